"""Which step an audience needs next. Pure.

CONNECTING ── create / adopt ──► tell name ──► changes ──► refresh ──► idle
any state ── disconnect wish ──► (changes) ──► (delete) ──► finish
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from service.store.history_rows import Sync
from service.store.rows import Work
from service.sync.schedule import HELD_UP_LOOK, IDLE_LOOK


class Step(StrEnum):
    """One thing to do for an audience, under its lease."""

    CONNECT = "CONNECT"
    TELL_NAME = "TELL_NAME"
    CHANGES = "CHANGES"
    REFRESH = "REFRESH"
    CANCEL_WAITING = "CANCEL_WAITING"
    TELL_WHY_BLOCKED = "TELL_WHY_BLOCKED"
    DELETE_ON_FACEBOOK = "DELETE_ON_FACEBOOK"
    FINISH_DISCONNECT = "FINISH_DISCONNECT"
    IDLE = "IDLE"


def next_step(work: Work, syncs: Sequence[Sync], now: datetime, *, flushed: bool) -> Step:
    """The next step.

    `syncs` are the waiting and running ones; `flushed`: a sync ended well since the wish to
    disconnect was seen (what it carried over is not waited for).
    """
    if work.disconnect_mode is not None:
        return _disconnect_step(work, now, flushed=flushed)
    if work.paused:
        return Step.CANCEL_WAITING if syncs else Step.IDLE
    if _is_blocked(work, now):
        return Step.TELL_WHY_BLOCKED if syncs else Step.IDLE
    if work.custom_audience_id is None:
        return Step.CONNECT
    if _has_news_to_tell(work):
        return Step.TELL_NAME
    probing = work.blocked_reason is not None
    if probing or changes_due(work, syncs, now):
        return Step.CHANGES
    if refresh_due(work, syncs, now):
        return Step.REFRESH
    return Step.IDLE


def _disconnect_step(work: Work, now: datetime, *, flushed: bool) -> Step:
    """A flush waits while blocked; a Custom Audience that may have been made is found before it is left."""
    attempted = work.create_attempted_at is not None
    nothing_there = work.custom_audience_id is None and not attempted
    if work.disconnect_mode == "ABANDON" or nothing_there:
        return Step.FINISH_DISCONNECT
    deleting = work.disconnect_mode == "DELETE_ON_FACEBOOK"
    gone = deleting and work.blocked_reason == "AUDIENCE_GONE"
    if work.blocked_reason == "AUDIENCE_GONE" and work.disconnect_mode == "FLUSH":
        return Step.FINISH_DISCONNECT
    if _is_blocked(work, now) and not gone:
        return Step.IDLE
    if work.custom_audience_id is None:
        return Step.CONNECT
    if deleting:
        return Step.DELETE_ON_FACEBOOK
    all_sent = flushed or work.synced_revision >= work.revision
    if all_sent:
        return Step.FINISH_DISCONNECT
    waits = work.failures_in_a_row > 0 and work.next_sync_at > now
    return Step.IDLE if waits else Step.CHANGES


def _is_blocked(work: Work, now: datetime) -> bool:
    return work.blocked_reason is not None and (work.probe_at is None or work.probe_at > now)


def _has_news_to_tell(work: Work) -> bool:
    return (work.told_name, work.told_description) != (work.name, work.description)


def changes_due(work: Work, syncs: Sequence[Sync], now: datetime) -> bool:
    """Whether changes are to be synced: asked for, left over, scheduled, or to be checked again."""
    asked = any(sync.mode == "CHANGES" for sync in syncs)
    return asked or work.next_sync_at <= now or _passed(work.recheck_at, now)


def refresh_due(work: Work, syncs: Sequence[Sync], now: datetime) -> bool:
    asked = any(sync.mode == "REFRESH" for sync in syncs)
    return asked or _passed(work.refresh_due_at, now)


def _passed(time: datetime | None, now: datetime) -> bool:
    return time is not None and time <= now


def next_look(work: Work, now: datetime) -> datetime:
    """When an idle audience is due again."""
    latest = now + IDLE_LOOK
    held_up_look = now + HELD_UP_LOOK
    if work.paused and work.disconnect_mode is None:
        return held_up_look
    if work.blocked_reason is not None:
        return min(held_up_look, work.probe_at or held_up_look)
    if work.disconnect_mode is not None:
        return min(latest, work.next_sync_at)
    times = (work.next_sync_at, work.recheck_at, work.refresh_due_at)
    return min([latest, *(time for time in times if time is not None)])
