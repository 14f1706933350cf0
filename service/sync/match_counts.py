"""Learns from Facebook's upload sessions how many people it found for the additions of syncs."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

import structlog

from service.graph import GraphFailure, UploadSession
from service.store import match_counts
from service.store.history_rows import UnmatchedSync
from service.sync.held import HeldAudience
from service.sync.single_call import find_listed
from service.sync.stops import Blocked, ComeBack

WANTED_FOR: Final = timedelta(days=2)
"""After the end of a sync: Facebook may take hours to count. Source: contract §5.9."""
SYNCS_MAX: Final = 50
"""Syncs whose counts are asked for together."""
SESSIONS_READ_MAX: Final = 2_000
"""Sessions of one list that are looked at."""

log = structlog.get_logger(__name__)


def matched_count(sync: UnmatchedSync, matched: Mapping[int, int]) -> int | None:
    """People found by a sync's calls together; None until all are counted. Pure."""
    counts = [matched.get(session_id) for session_id in sync.addition_session_ids]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


async def learn_match_counts(held: HeldAudience) -> None:
    """Ask for what is not known yet; a failure here is no failure of a sync. Raises LeaseLost."""
    async with held.context.pool.acquire() as connection:
        waiting = await match_counts.list_unmatched_syncs(
            connection, held.audience_no, ended_from=held.now() - WANTED_FOR, limit=SYNCS_MAX
        )
    if not waiting:
        return
    try:
        matched = await _read_matched(held, waiting)
    except (GraphFailure, Blocked, ComeBack) as stop:
        log.info("match counts not read", reason=str(stop))
        return
    for sync in waiting:
        count = matched_count(sync, matched)
        if count is not None:
            await held.write(
                match_counts.set_matched_count, sync_no=sync.sync_no, matched_count=count
            )


async def _read_matched(held: HeldAudience, waiting: Sequence[UnmatchedSync]) -> dict[int, int]:
    """People found, by the session; sessions that are not counted yet are left out."""
    wanted = {session_id for sync in waiting for session_id in sync.addition_session_ids}
    matched: dict[int, int] = {}
    read = 0

    async def are_all_read(session: UploadSession) -> bool:
        nonlocal read
        read += 1
        wanted.discard(session.session_id)
        if session.num_matched is not None and session.num_matched >= 0:
            matched[session.session_id] = session.num_matched
        return not wanted or read >= SESSIONS_READ_MAX

    sessions = held.context.graph.list_sessions(
        await held.credentials(),
        held.work.custom_audience_id or "",
        session_id=next(iter(wanted)) if len(wanted) == 1 else None,
    )
    await find_listed(held, sessions, are_all_read)
    return matched
