import asyncio

import asyncpg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.store import audiences, change_log, leases, syncs
from service.store.connection import Connection
from service.store.history_rows import Sync, SyncError
from service.store.rows import Audience, Work
from service.store.syncs import decode_sync_id, encode_sync_id
from tests.integration.store_builders import (
    NOON,
    an_audience,
    at,
    claimed,
    connected,
    email,
    reread,
)


async def leased(connection: Connection) -> Work:
    await an_audience(connection)
    return await claimed(connection)


async def asked(connection: Connection, *, mode: str = "CHANGES") -> Sync:
    """A sync asked for as a handler does."""
    async with connection.transaction():
        audience = await audiences.lock_audience(connection, "vip")
        assert audience
        return await syncs.request_sync(connection, audience, mode, "REQUEST")


async def started(
    connection: Connection, work: Work, *, mode: str = "CHANGES", target: int = 0
) -> Sync:
    async with connection.transaction():
        assert await audiences.lock_audience(connection, "vip")
        sync = await syncs.start_sync(
            connection,
            work.audience_no,
            work.lease_token,
            mode=mode,
            trigger="SCHEDULE",
            target_revision=target,
        )
    assert sync is not None
    return sync


async def ended(connection: Connection, work: Work, sync: Sync, state: str = "SUCCEEDED") -> None:
    assert await syncs.end_sync(
        connection, work.audience_no, work.lease_token, sync_no=sync.sync_no, state=state
    )


async def found(connection: Connection, sync: Sync) -> Sync:
    again = await syncs.find_sync(connection, sync.audience_no, sync.sync_no)
    assert again is not None
    return again


async def one_change(connection: Connection, audience: Audience | Work) -> int:
    return await change_log.append_rows(
        connection, audience.audience_no, "ADD", [email("a")], now=NOON, rules_version=1
    )


async def test_a_first_wish_waits_and_later_ones_join_it(database_url: str) -> None:
    async with connected(database_url) as connection:
        await an_audience(connection)
        first = await asked(connection)
        assert (first.state, first.audience_id, first.sync_no) == ("PENDING", "vip", 1)
        assert await asked(connection) == first


async def test_a_wish_wakes_the_audience(database_url: str) -> None:
    async with connected(database_url) as connection:
        work = await leased(connection)
        await leases.release(connection, work.audience_no, work.lease_token, due_at=at(10**6))
        await asked(connection)
        assert (await claimed(connection)).audience_no == work.audience_no


async def test_a_running_sync_is_joined_if_it_covers_the_present_revision(
    database_url: str,
) -> None:
    async with connected(database_url) as connection:
        work = await leased(connection)
        revision = await one_change(connection, work)
        running = await started(connection, work, target=revision)
        assert (await asked(connection)).sync_no == running.sync_no
        await one_change(connection, work)
        waiting = await asked(connection)
        assert (waiting.sync_no, waiting.state) == (running.sync_no + 1, "PENDING")
        assert await asked(connection) == waiting


async def test_a_sync_of_another_mode_is_not_joined(database_url: str) -> None:
    async with connected(database_url) as connection:
        work = await leased(connection)
        running = await started(connection, work)
        refresh = await asked(connection, mode="REFRESH")
        assert (refresh.sync_no, refresh.mode) == (running.sync_no + 1, "REFRESH")


async def test_an_ended_sync_is_not_joined(database_url: str) -> None:
    async with connected(database_url) as connection:
        work = await leased(connection)
        sync = await started(connection, work)
        await ended(connection, work, sync)
        assert (await asked(connection)).sync_no == sync.sync_no + 1


async def test_wishes_at_once_make_one_sync(database_url: str) -> None:
    async with connected(database_url) as one, connected(database_url) as other:
        await an_audience(one)
        first, second = await asyncio.gather(asked(one), asked(other))
        assert first == second


async def test_the_waiting_sync_is_started_and_gets_its_end_then(database_url: str) -> None:
    async with connected(database_url) as connection:
        work = await leased(connection)
        waiting = await asked(connection)
        running = await started(connection, work, target=4)
        assert (running.sync_no, running.state) == (waiting.sync_no, "RUNNING")
        assert (running.trigger, running.target_revision) == ("REQUEST", 4)
        assert running.started_at is not None


async def test_a_sync_left_running_goes_on_with_its_end_and_calls(database_url: str) -> None:
    async with connected(database_url) as connection:
        work = await leased(connection)
        running = await started(connection, work, target=4)
        await syncs.progress_sync(
            connection,
            work.audience_no,
            work.lease_token,
            sync_no=running.sync_no,
            open_rows_to_add=9,
            open_rows_to_remove=8,
            open_rows_added=7,
            open_rows_removed=6,
            calls_delta=3,
        )
        await syncs.hold_up_sync(
            connection,
            work.audience_no,
            work.lease_token,
            sync_no=running.sync_no,
            error=SyncError(reason="LIMITED", code=17, message="wait"),
        )
        held_up = await found(connection, running)
        assert (held_up.state, held_up.error_reason, held_up.error_code) == (
            "RUNNING",
            "LIMITED",
            17,
        )
        assert (held_up.open_rows_to_add, held_up.open_rows_removed) == (9, 6)
        again = await started(connection, work, target=99)
        assert (again.sync_no, again.target_revision, again.calls) == (running.sync_no, 4, 3)
        assert (again.open_rows_to_add, again.open_rows_removed) == (0, 0)
        assert again.error_reason is None


async def test_a_left_over_sync_goes_before_the_waiting_one(database_url: str) -> None:
    async with connected(database_url) as connection:
        work = await leased(connection)
        running = await started(connection, work, target=0)
        await one_change(connection, work)
        waiting = await asked(connection)
        assert {s.sync_no for s in await syncs.waiting_syncs(connection, work.audience_no)} == {
            running.sync_no,
            waiting.sync_no,
        }
        assert (await started(connection, work, target=1)).sync_no == running.sync_no
        await ended(connection, work, running)
        assert (await started(connection, work, target=1)).sync_no == waiting.sync_no


async def test_figures_of_settled_windows_add_up_and_the_open_window_is_emptied(
    database_url: str,
) -> None:
    async with connected(database_url) as connection:
        work = await leased(connection)
        sync = await started(connection, work)
        for _ in range(2):
            await syncs.progress_sync(
                connection,
                work.audience_no,
                work.lease_token,
                sync_no=sync.sync_no,
                open_rows_to_add=5,
                open_rows_to_remove=4,
                open_rows_added=1,
                open_rows_removed=0,
                calls_delta=1,
            )
            await syncs.settle_sync_window(
                connection,
                work.audience_no,
                work.lease_token,
                sync_no=sync.sync_no,
                rows_to_add=5,
                rows_to_remove=4,
                rows_added=4,
                rows_removed=3,
                rows_invalid=1,
                rows_carried_over=1,
                calls_delta=1,
            )
        now = await found(connection, sync)
        assert (now.rows_to_add, now.rows_to_remove, now.calls) == (10, 8, 4)
        assert (now.rows_added, now.rows_removed) == (8, 6)
        assert (now.rows_invalid, now.rows_carried_over) == (2, 2)
        assert (now.open_rows_to_add, now.open_rows_added) == (0, 0)


async def test_a_row_that_is_not_accounted_for_is_refused(database_url: str) -> None:
    async with connected(database_url) as connection:
        work = await leased(connection)
        sync = await started(connection, work)
        with pytest.raises(asyncpg.CheckViolationError, match="every_row_accounted"):
            await syncs.settle_sync_window(
                connection,
                work.audience_no,
                work.lease_token,
                sync_no=sync.sync_no,
                rows_to_add=5,
                rows_to_remove=0,
                rows_added=4,
                rows_removed=0,
                rows_invalid=0,
                rows_carried_over=0,
                calls_delta=0,
            )


async def test_a_failed_sync_says_why_and_what_is_unknown(database_url: str) -> None:
    async with connected(database_url) as connection:
        work = await leased(connection)
        sync = await started(connection, work)
        error = SyncError(reason="TOKEN", code=190, subcode=463, message="expired", trace_id="T")
        assert await syncs.end_sync(
            connection,
            work.audience_no,
            work.lease_token,
            sync_no=sync.sync_no,
            state="FAILED",
            error=error,
            rows_to_add=3,
            rows_added=1,
            rows_unknown=2,
            calls_delta=2,
        )
        now = await found(connection, sync)
        assert (now.state, now.rows_to_add, now.rows_added, now.rows_unknown, now.calls) == (
            *("FAILED", 3, 1, 2, 2),
        )
        assert now.ended_at is not None
        assert error == SyncError(
            reason=now.error_reason or "",
            code=now.error_code,
            subcode=now.error_subcode,
            message=now.error_message or "",
            trace_id=now.error_trace_id,
        )


async def test_an_ended_sync_stays_as_it_is(database_url: str) -> None:
    async with connected(database_url) as connection:
        work = await leased(connection)
        sync = await started(connection, work)
        await ended(connection, work, sync)
        before = await found(connection, sync)
        assert not await syncs.end_sync(
            connection,
            work.audience_no,
            work.lease_token,
            sync_no=sync.sync_no,
            state="CANCELLED",
        )
        assert await found(connection, sync) == before


async def test_a_late_holder_cannot_touch_a_sync(database_url: str) -> None:
    async with connected(database_url) as connection:
        work = await leased(connection)
        sync = await started(connection, work)
        late, no = work.lease_token - 1, work.audience_no
        number = sync.sync_no
        figures = dict.fromkeys(("rows_to_add", "rows_to_remove", "rows_added", "rows_removed"), 0)
        settled = {**figures, "rows_invalid": 0, "rows_carried_over": 0}
        assert not await syncs.progress_sync(
            connection,
            no,
            late,
            sync_no=number,
            open_rows_to_add=1,
            open_rows_to_remove=1,
            open_rows_added=1,
            open_rows_removed=1,
            calls_delta=1,
        )
        assert not await syncs.note_throttled(connection, no, late)
        assert not await syncs.settle_sync_window(
            connection, no, late, sync_no=number, **settled, calls_delta=1
        )
        assert not await syncs.end_sync(connection, no, late, sync_no=number, state="FAILED")
        assert not await syncs.hold_up_sync(connection, no, late, sync_no=number, error=None)
        assert not await syncs.cancel_waiting(connection, no, late)
        assert (
            await syncs.start_sync(
                connection, no, late, mode="REFRESH", trigger="SCHEDULE", target_revision=0
            )
            is None
        )
        assert await syncs.list_syncs(connection, no, before_no=None, limit=9) == [sync]


async def test_waiting_and_running_syncs_are_cancelled_together(database_url: str) -> None:
    async with connected(database_url) as connection:
        work = await leased(connection)
        await started(connection, work)
        await asked(connection, mode="REFRESH")
        assert await syncs.cancel_waiting(connection, work.audience_no, work.lease_token)
        assert await syncs.waiting_syncs(connection, work.audience_no) == []
        listed = await syncs.list_syncs(connection, work.audience_no, before_no=None, limit=9)
        assert [sync.state for sync in listed] == ["CANCELLED"] * 2


async def test_lists_are_newest_first_and_go_on_before_a_number(database_url: str) -> None:
    async with connected(database_url) as connection:
        work = await leased(connection)
        for _ in range(4):
            await ended(connection, work, await started(connection, work))

        async def numbers(before: int | None, limit: int) -> list[int]:
            page = await syncs.list_syncs(
                connection, work.audience_no, before_no=before, limit=limit
            )
            return [sync.sync_no for sync in page]

        assert await numbers(None, 2) == [4, 3]
        assert await numbers(3, 9) == [2, 1]
        assert await numbers(1, 9) == []
        assert await numbers(2**80, 1) == [4]


async def test_refused_rows_are_counted_by_keys_and_reason(database_url: str) -> None:
    async with connected(database_url) as connection:
        work = await leased(connection)
        sync = await started(connection, work)
        for counts in ({(1, "bad"): 2, (3, "bad"): 1}, {(1, "bad"): 5}):
            await syncs.add_rejected_rows(connection, work.audience_no, sync.sync_no, counts)
        kept = await connection.fetch("select key_mask, reason, row_count from rejected_row")
        assert {tuple(record) for record in kept} == {(1, "bad", 7), (3, "bad", 1)}


async def test_old_syncs_are_forgotten_but_a_number_is_never_given_twice(
    database_url: str,
) -> None:
    async with connected(database_url) as connection:
        work = await leased(connection)
        for _ in range(3):
            sync = await started(connection, work)
            await syncs.add_rejected_rows(
                connection, work.audience_no, sync.sync_no, {(1, "bad"): 1}
            )
            await ended(connection, work, sync)
        assert await syncs.prune_syncs(connection, work.audience_no, at(-(10**6)), limit=9) == 0
        assert await syncs.prune_syncs(connection, work.audience_no, at(10**6), limit=9) == 2
        assert await connection.fetchval("select count(*) from rejected_row") == 1
        assert (await started(connection, work)).sync_no == 4
        audience = await reread(connection, work.audience_no)
        assert audience.last_sync_at is None


@given(audience_no=st.integers(1, 2**31 - 1), sync_no=st.integers(1, 2**63 - 1))
def test_an_id_tells_its_audience_and_number(audience_no: int, sync_no: int) -> None:
    text = encode_sync_id(audience_no, sync_no)
    assert text == text.lower()
    assert text.isalnum()
    assert decode_sync_id(text) == (audience_no, sync_no)


@example(text="2222222222222222AA==")
@given(text=st.text(max_size=24) | st.text("abcdefgh234567A=", min_size=20, max_size=20))
def test_what_is_no_id_is_refused_and_an_id_has_one_spelling(text: str) -> None:
    numbers = decode_sync_id(text)
    assert numbers is None or encode_sync_id(*numbers) == text
