"""Converts syncs to the contract, and their modes both ways."""

from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

from service.rpc.convert_values import duration, timestamp
from service.store.history_rows import Sync
from service.store.syncs import encode_sync_id

SESSIONS_TOLD_MAX: Final = 20
"""Upload sessions of each direction that an answer has."""


def mode_name(mode: pb.Sync.Mode.ValueType) -> str:
    """The store's word for a mode; not said means CHANGES."""
    return pb.Sync.Mode.Name(mode or pb.Sync.MODE_CHANGES).removeprefix("MODE_")


def sync_message(sync: Sync) -> pb.Sync:
    """Convert a sync; the window under way counts into its figures."""
    return pb.Sync(
        sync_id=encode_sync_id(sync.audience_no, sync.sync_no),
        audience_id=sync.audience_id,
        trigger=pb.Sync.Trigger.Value(f"TRIGGER_{sync.trigger}"),
        mode=pb.Sync.Mode.Value(f"MODE_{sync.mode}"),
        state=pb.Sync.State.Value(f"STATE_{sync.state}"),
        target_revision=sync.target_revision,
        rows_to_add=sync.rows_to_add + sync.open_rows_to_add,
        rows_to_remove=sync.rows_to_remove + sync.open_rows_to_remove,
        rows_added=sync.rows_added + sync.open_rows_added,
        rows_removed=sync.rows_removed + sync.open_rows_removed,
        rows_invalid=sync.rows_invalid,
        rows_carried_over=sync.rows_carried_over,
        rows_unknown=sync.rows_unknown,
        calls=sync.calls,
        create_time=timestamp(sync.requested_at),
        start_time=timestamp(sync.started_at),
        end_time=timestamp(sync.ended_at),
        error=_error(sync),
        throttled_duration=duration(sync.throttled_ms),
        addition_session_ids=sync.addition_session_ids[-SESSIONS_TOLD_MAX:],
        removal_session_ids=sync.removal_session_ids[-SESSIONS_TOLD_MAX:],
        matched_count=sync.matched_count,
    )


def has_ended(sync: Sync) -> bool:
    """Whether nothing of the sync will change any more."""
    return sync.ended_at is not None


def _error(sync: Sync) -> pb.Sync.Error | None:
    if sync.error_reason is None:
        return None
    return pb.Sync.Error(
        reason=sync.error_reason,
        code=sync.error_code or 0,
        subcode=sync.error_subcode or 0,
        message=sync.error_message or "",
        trace_id=sync.error_trace_id or "",
    )
