"""Keeps callers to the audiences and ad accounts that are theirs."""

from typing import Any

from audiencesync.v1 import audience_sync_pb2 as pb

from service.rpc.access.callers import caller
from service.rpc.access.standing import check_standing
from service.rpc.calls import AtMessages, Decode
from service.rpc.errors import CallerNotAllowed
from service.store.audit_events import AuditEvent
from service.store.rows import Audience


class KeepToReach(AtMessages):
    """Refuses requests that name what is not the caller's. What they only lead to, handlers check."""

    async def let_in(self, request: Any, _decode: Decode | None, /) -> Any:
        """Raises: CallerNotAllowed; CallerUnknown when the token was revoked since the call began."""
        check_standing()
        if caller().is_limited:
            is_import = isinstance(request, pb.ImportMembershipRequest)
            _check_names(request.header if is_import else request)
        return request


def check_audience(audience: Audience) -> None:
    """Refuse an audience that is not for who calls. Raises: CallerNotAllowed."""
    if not is_in_reach(audience):
        name = audience.audience_id  # the ad account is not told: the caller did not name it
        raise CallerNotAllowed(
            why=f"audience {name} of {audience.ad_account_id} is not theirs",
            metadata={"audience_id": name},
        )


def is_in_reach(audience: Audience) -> bool:
    """Whether the caller may know of an audience."""
    mine = caller()
    return not mine.is_limited or (
        mine.may_use_audience(audience.audience_id)
        and mine.may_use_ad_account(audience.ad_account_id)
    )


def is_event_in_reach(event: AuditEvent) -> bool:
    """Whether the caller may know of something done; of an ad account, when that is theirs."""
    mine = caller()
    is_theirs = not event.audience_id or mine.may_use_audience(event.audience_id)
    return not mine.is_limited or (is_theirs and mine.may_use_ad_account(event.ad_account_id))


def _check_names(message: Any) -> None:
    mine = caller()
    audience_id: str = getattr(message, "audience_id", "")
    if audience_id and not mine.may_use_audience(audience_id):
        raise _not_theirs("audience_id", audience_id)
    ad_account_id: str = getattr(message, "ad_account_id", "")
    if ad_account_id and not mine.may_use_ad_account(ad_account_id):
        raise _not_theirs("ad_account_id", ad_account_id)


def _not_theirs(field: str, named: str) -> CallerNotAllowed:
    return CallerNotAllowed(why=f"{field} {named} is not theirs", metadata={field: named})
