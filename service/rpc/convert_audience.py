"""Converts audiences to the contract, and what callers wish for an audience to the store."""

from datetime import datetime
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from service.identifiers.regions import is_region
from service.rpc.convert_values import seconds_of, timestamp
from service.rpc.errors import InvalidField
from service.store.rows import Audience, ConnectWish

SYNC_INTERVAL_SECONDS_DEFAULT: Final = 3_600
"""Seconds between syncs when the caller does not say."""
REGION_DEFAULT: Final = "US"

_SOURCE: Final = "CUSTOMER_FILE_SOURCE_"


def connect_wish(request: pb.ConnectAudienceRequest) -> ConnectWish:
    """Convert a validated request, with the defaults filled in. Raises: InvalidField."""
    return ConnectWish(
        audience_id=request.audience_id,
        ad_account_id=request.ad_account_id,
        name=request.name,
        description=request.description,
        sync_interval_s=interval_seconds(request),
        default_region=region(request.default_region),
        customer_file_source=_source_name(request.customer_file_source),
        existing_custom_audience_id=request.existing_custom_audience_id or None,
    )


def interval_seconds(request: pb.ConnectAudienceRequest | pb.UpdateAudienceRequest) -> int:
    """The interval asked for, or the default. Raises: InvalidField for a fraction of a second."""
    if not request.HasField("sync_interval"):
        return SYNC_INTERVAL_SECONDS_DEFAULT
    return seconds_of(request.sync_interval, field="sync_interval")


def region(code: str) -> str:
    """The region asked for, or the default. Raises: InvalidField if there is no such country."""
    if code and not is_region(code):
        raise InvalidField.of("default_region", "must be an ISO 3166-1 alpha-2 country")
    return code or REGION_DEFAULT


def audience_message(audience: Audience) -> pb.Audience:
    """Convert an audience."""
    blocked = audience.blocked_reason or "UNSPECIFIED"
    return pb.Audience(
        audience_id=audience.audience_id,
        ad_account_id=audience.ad_account_id,
        custom_audience_id=audience.custom_audience_id or "",
        name=audience.name,
        description=audience.description,
        state=pb.Audience.State.Value(f"STATE_{audience.state}"),
        blocked_reason=pb.Audience.BlockedReason.Value(f"BLOCKED_REASON_{blocked}"),
        blocked_message=audience.blocked_message,
        sync_interval=Duration(seconds=audience.sync_interval_s),
        default_region=audience.default_region,
        customer_file_source=pb.CustomerFileSource.Value(_SOURCE + audience.customer_file_source),
        member_count=audience.member_count,
        unmatchable_count=audience.unmatchable_count,
        pending_change_count=audience.pending_change_count,
        revision=audience.revision,
        synced_revision=audience.synced_revision,
        last_sync_time=timestamp(audience.last_sync_at),
        next_sync_time=timestamp(_next_sync_at(audience)),
        approximate_count_lower_bound=audience.approximate_count_lower_bound,
        approximate_count_upper_bound=audience.approximate_count_upper_bound,
        operation_status=audience.operation_status,
        create_time=timestamp(audience.created_at),
        disconnect_time=timestamp(audience.disconnected_at),
        adopted=audience.adopted,
    )


def differing_field(audience: Audience, wish: ConnectWish) -> str:
    """The first field of ConnectAudience in which a connected audience differs from a wish."""
    differs = {
        "ad_account_id": audience.ad_account_id != wish.ad_account_id,
        "name": audience.name != wish.name,
        "description": audience.description != wish.description,
        "sync_interval": audience.sync_interval_s != wish.sync_interval_s,
        "default_region": audience.default_region != wish.default_region,
        "customer_file_source": audience.customer_file_source != wish.customer_file_source,
        "existing_custom_audience_id": (
            audience.existing_custom_audience_id != wish.existing_custom_audience_id
        ),
    }
    return next((field for field, is_other in differs.items() if is_other), "")


def _next_sync_at(audience: Audience) -> datetime | None:
    still = audience.paused or audience.disconnected_at is not None
    return None if still else audience.next_sync_at


def _source_name(source: pb.CustomerFileSource.ValueType) -> str:
    said = source or pb.CUSTOMER_FILE_SOURCE_USER_PROVIDED_ONLY
    return pb.CustomerFileSource.Name(said).removeprefix(_SOURCE)
