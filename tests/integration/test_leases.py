import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from service.store import audiences, leases
from service.store.connection import Connection
from service.store.errors import CustomAudienceInUse
from service.store.leases import Work
from tests.integration.store_builders import (
    an_audience,
    at,
    claim,
    claimed,
    connected,
    key_of,
    reread,
    somebody_waits_for_a_lock,
)

FAR = at(10**6)


async def reloaded(connection: Connection, work: Work) -> Work:
    again = await leases.reload(connection, work.audience_no, work.lease_token)
    assert again is not None
    return again


async def expire(connection: Connection, audience_no: int) -> None:
    """As if the holder had died and its lease had run out."""
    await connection.execute(
        "update audience_work set lease_expires_at = now() - interval '1 s' where audience_no = $1",
        audience_no,
    )


async def test_a_leased_audience_is_not_claimed_again(database_url: str) -> None:
    async with connected(database_url) as connection:
        await an_audience(connection)
        assert await claim(connection) is not None
        assert await claim(connection) is None


async def test_workers_that_claim_at_once_get_different_audiences(database_url: str) -> None:
    async with (
        connected(database_url) as setup,
        connected(database_url) as one,
        connected(database_url) as other,
    ):
        await an_audience(setup, "a")
        await an_audience(setup, "b")
        async with one.transaction(), other.transaction():
            got = {(await claimed(one)).audience_id, (await claimed(other)).audience_id}
        assert got == {"a", "b"}


async def test_what_has_been_due_longest_comes_first(database_url: str) -> None:
    async with connected(database_url) as connection:
        for audience_id in ("a", "b"):
            await an_audience(connection, audience_id)
        await connection.execute(
            "update audience_work set due_at = now() - interval '1 h' where audience_no ="
            " (select audience_no from audience where audience_id = 'b')"
        )
        assert (await claimed(connection)).audience_id == "b"


async def test_an_orderly_claim_holds_nothing_back(database_url: str) -> None:
    async with connected(database_url) as connection:
        await an_audience(connection)
        work = await claimed(connection)
        assert (work.hold_additions_until, work.hold_removals_until) == (None, None)
        assert (work.recheck_from, work.recheck_at) == (None, None)
        assert work.lease_expires_at is not None
        assert timedelta(seconds=59) < work.lease_expires_at - work.now < timedelta(seconds=61)
        assert len(work.installation_id) == 12


async def test_a_token_is_not_given_again_when_a_failover_lost_its_claim(database_url: str) -> None:
    async with connected(database_url) as connection:
        number = (await an_audience(connection)).audience_no
        lost = connection.transaction()
        await lost.start()
        forgotten = await claimed(connection, holder="before")
        await lost.rollback()
        await claimed(connection, holder="after")
        assert not await leases.renew(connection, number, forgotten.lease_token, 60)


async def test_taking_over_a_lease_that_ran_out_holds_back_and_plans_again(
    database_url: str,
) -> None:
    async with connected(database_url) as connection:
        number = (await an_audience(connection)).audience_no
        first = await claimed(connection)
        await leases.settle_window(
            connection, number, first.lease_token, synced_revision=5, rows_settled=0
        )
        await expire(connection, number)
        taken = await claimed(connection, holder="other")
        assert taken.lease_token > first.lease_token
        for held in (taken.hold_additions_until, taken.hold_removals_until):
            assert held is not None
            assert timedelta(seconds=59) < held - taken.now < timedelta(seconds=61)
        assert taken.recheck_from == 5
        assert taken.recheck_at is not None
        assert taken.recheck_at - taken.now > timedelta(minutes=59)


async def test_a_take_over_only_widens_what_is_planned_again(database_url: str) -> None:
    async with connected(database_url) as connection:
        number = (await an_audience(connection)).audience_no
        first = await claimed(connection)
        await leases.settle_window(
            connection, number, first.lease_token, synced_revision=5, rows_settled=0
        )
        await leases.hold(
            connection,
            number,
            first.lease_token,
            additions_until=FAR,
            removals_until=None,
            recheck_from=2,
            recheck_at=FAR,
        )
        await expire(connection, number)
        taken = await claimed(connection)
        assert (taken.hold_additions_until, taken.recheck_from, taken.recheck_at) == (FAR, 2, FAR)


LATE_WRITES: list[Callable[[Connection, int, int], Awaitable[object]]] = [
    lambda c, no, token: leases.renew(c, no, token, 60),
    lambda c, no, token: leases.release(c, no, token, due_at=None),
    leases.reload,
    lambda c, no, token: leases.note_create_attempt(c, no, token, at=FAR),
    lambda c, no, token: leases.set_custom_audience(
        c, no, token, custom_audience_id="1", adopted=False, told_name="", told_description=""
    ),
    lambda c, no, token: leases.set_told(c, no, token, told_name="", told_description=""),
    lambda c, no, token: leases.block(c, no, token, reason="X", message="", probe_at=None),
    leases.unblock,
    lambda c, no, token: leases.set_facts(c, no, token, lower=1, upper=2, operation_status=200),
    lambda c, no, token: leases.hold(
        c,
        no,
        token,
        additions_until=FAR,
        removals_until=FAR,
        recheck_from=1,
        recheck_at=FAR,
    ),
    lambda c, no, token: leases.move_refresh(
        c, no, token, phase=None, revision=None, after_key=None, after_row_no=None, due_at=FAR
    ),
    lambda c, no, token: leases.advance_recheck(c, no, token, recheck_from=9),
    lambda c, no, token: leases.finish_recheck(
        c, no, token, recheck_from_seen=9, new_recheck_from=None, new_recheck_at=None
    ),
    lambda c, no, token: leases.schedule(
        c, no, token, next_sync_at=FAR, failures_in_a_row=1, last_sync_at=FAR
    ),
    lambda c, no, token: leases.settle_window(c, no, token, synced_revision=9, rows_settled=9),
    leases.finish_disconnect,
]


async def test_a_late_holder_can_write_nothing(database_url: str) -> None:
    async with connected(database_url) as connection:
        number = (await an_audience(connection)).audience_no
        late = await claimed(connection)
        await expire(connection, number)
        await claimed(connection)
        before = await connection.fetch("select * from audience_work")
        for write in LATE_WRITES:
            assert not await write(connection, number, late.lease_token)
        assert await connection.fetch("select * from audience_work") == before
        assert (await reread(connection, number)).disconnected_at is None


async def test_a_renewed_lease_lasts_from_the_renewal(database_url: str) -> None:
    async with connected(database_url) as connection:
        await an_audience(connection)
        work = await claimed(connection, lease_s=1)
        assert await leases.renew(connection, work.audience_no, work.lease_token, 600)
        again = await reloaded(connection, work)
        assert again.lease_expires_at is not None
        assert again.lease_expires_at - again.now > timedelta(seconds=500)


async def test_a_renewal_does_not_wait_for_a_merge(database_url: str) -> None:
    async with connected(database_url) as connection, connected(database_url) as merging:
        await an_audience(connection)
        work = await claimed(connection)
        async with merging.transaction(), asyncio.timeout(5):
            assert await audiences.lock_audience(merging, "vip")
            assert await leases.renew(connection, work.audience_no, work.lease_token, 60)


async def test_a_wish_during_a_run_makes_the_audience_due_right_after_it(database_url: str) -> None:
    async with connected(database_url) as connection:
        number = (await an_audience(connection)).audience_no
        work = await claimed(connection)
        await audiences.set_paused(connection, number, True)
        assert await claim(connection) is None
        assert await leases.release(connection, number, work.lease_token, due_at=FAR)
        assert (await claimed(connection)).paused


async def test_a_wish_that_waits_for_the_release_is_not_lost(database_url: str) -> None:
    async with connected(database_url) as holder, connected(database_url) as wishing:
        number = (await an_audience(holder)).audience_no
        work = await claimed(holder)
        async with holder.transaction():
            await leases.release(holder, number, work.lease_token, due_at=FAR)
            wish = asyncio.create_task(audiences.wake(wishing, number))
            await somebody_waits_for_a_lock(holder)
        await wish
        assert await claim(holder) is not None


async def test_released_it_is_due_when_it_was_said(database_url: str) -> None:
    async with connected(database_url) as connection:
        number = (await an_audience(connection)).audience_no
        work = await claimed(connection)
        in_a_minute = work.now + timedelta(seconds=60)
        await leases.release(connection, number, work.lease_token, due_at=in_a_minute)
        assert await claim(connection) is None
        seconds = await leases.next_due_in_s(connection)
        assert seconds is not None
        assert 50 < seconds <= 60


async def test_released_without_a_time_it_is_due_by_its_record(database_url: str) -> None:
    async with connected(database_url) as connection:
        number = (await an_audience(connection)).audience_no

        async def due_after(**values: object) -> float | None:
            work = await claimed(connection)
            names = ", ".join(f"{name} = ${n}" for n, name in enumerate(values, 1))
            await connection.execute(f"update audience_work set {names}", *values.values())  # noqa: S608
            await leases.release(connection, number, work.lease_token, due_at=None)
            seconds = await leases.next_due_in_s(connection)
            await audiences.wake(connection, number)
            return seconds and round(seconds, -1)

        now = (await connection.fetchval("select now()")) + timedelta(seconds=1)
        soon, later = now + timedelta(seconds=100), now + timedelta(seconds=900)
        assert await due_after(next_sync_at=later) == 900
        assert await due_after(refresh_due_at=soon) == 100
        assert await due_after(blocked_reason="X", probe_at=later, next_sync_at=now) == 900
        assert await due_after(blocked_reason=None, probe_at=None, next_sync_at=at(-9)) == 0
        await connection.execute("update audience set paused = true")
        assert await due_after(next_sync_at=now) is None


async def test_the_next_look_is_when_a_lease_may_run_out(database_url: str) -> None:
    async with connected(database_url) as connection:
        assert await leases.next_due_in_s(connection) is None
        await an_audience(connection)
        assert await leases.next_due_in_s(connection) == 0
        await claimed(connection, lease_s=300)
        seconds = await leases.next_due_in_s(connection)
        assert seconds is not None
        assert 290 < seconds <= 300


async def test_holding_back_only_widens(database_url: str) -> None:
    async with connected(database_url) as connection:
        number = (await an_audience(connection)).audience_no
        work = await claimed(connection)
        for minute, revision in ((5, 7), (3, 9)):
            await leases.hold(
                connection,
                number,
                work.lease_token,
                additions_until=at(minute),
                removals_until=None,
                recheck_from=revision,
                recheck_at=at(minute),
            )
        await leases.hold(
            connection,
            number,
            work.lease_token,
            additions_until=None,
            removals_until=at(4),
            recheck_from=None,
            recheck_at=None,
        )
        now = await reloaded(connection, work)
        assert (now.hold_additions_until, now.hold_removals_until) == (at(5), at(4))
        assert (now.recheck_from, now.recheck_at) == (7, at(5))


@pytest.mark.parametrize(
    ("widened_to", "left"),
    [(None, (None, None)), (2, (2, at(9)))],
)
async def test_a_recheck_ends_unless_it_was_widened_meanwhile(
    database_url: str, widened_to: int | None, left: tuple[object, object]
) -> None:
    async with connected(database_url) as connection:
        number = (await an_audience(connection)).audience_no
        work = await claimed(connection)

        async def hold(revision: int | None) -> None:
            await leases.hold(
                connection,
                number,
                work.lease_token,
                additions_until=None,
                removals_until=None,
                recheck_from=revision,
                recheck_at=None if revision is None else at(9),
            )

        await hold(3)
        await leases.advance_recheck(connection, number, work.lease_token, recheck_from=6)
        await hold(widened_to)
        assert await leases.finish_recheck(
            connection,
            number,
            work.lease_token,
            recheck_from_seen=6,
            new_recheck_from=None,
            new_recheck_at=None,
        )
        now = await reloaded(connection, work)
        assert (now.recheck_from, now.recheck_at) == left


async def test_a_recheck_may_leave_another_one(database_url: str) -> None:
    async with connected(database_url) as connection:
        number = (await an_audience(connection)).audience_no
        work = await claimed(connection)
        await leases.hold(
            connection,
            number,
            work.lease_token,
            additions_until=None,
            removals_until=None,
            recheck_from=3,
            recheck_at=at(1),
        )
        await leases.finish_recheck(
            connection,
            number,
            work.lease_token,
            recheck_from_seen=3,
            new_recheck_from=8,
            new_recheck_at=at(99),
        )
        now = await reloaded(connection, work)
        assert (now.recheck_from, now.recheck_at) == (8, at(99))


async def test_a_new_custom_audience_is_to_be_refreshed_from_the_start(database_url: str) -> None:
    async with connected(database_url) as connection:
        number = (await an_audience(connection)).audience_no
        work = await claimed(connection)
        await leases.note_create_attempt(connection, number, work.lease_token, at=at(0))
        await leases.block(
            connection, number, work.lease_token, reason="GONE", message="m", probe_at=FAR
        )
        await leases.move_refresh(
            connection,
            number,
            work.lease_token,
            phase="MEMBERS",
            revision=1,
            after_key=key_of("ann"),
            after_row_no=2,
            due_at=FAR,
        )
        assert (await reloaded(connection, work)).refresh_after_key == key_of("ann")
        await leases.set_custom_audience(
            connection,
            number,
            work.lease_token,
            custom_audience_id="23",
            adopted=True,
            told_name=None,
            told_description=None,
        )
        now = await reloaded(connection, work)
        assert (now.custom_audience_id, now.adopted, now.create_attempted_at) == ("23", True, None)
        assert (now.blocked_reason, now.probe_at) == (None, None)
        assert (now.refresh_phase, now.refresh_after_key, now.refresh_revision) == (None,) * 3
        assert now.refresh_due_at is not None
        assert now.refresh_due_at <= now.now


async def test_a_custom_audience_is_never_kept_twice(database_url: str) -> None:
    async with connected(database_url) as connection:
        for audience_id in ("a", "b"):
            await an_audience(connection, audience_id)
        first, second = await claimed(connection), await claimed(connection)

        async def keep(work: Work) -> bool:
            async with connection.transaction():
                return await leases.set_custom_audience(
                    connection,
                    work.audience_no,
                    work.lease_token,
                    custom_audience_id="23",
                    adopted=False,
                    told_name="",
                    told_description="",
                )

        assert await keep(first)
        with pytest.raises(CustomAudienceInUse):
            await keep(second)


async def test_settling_moves_the_cursor_forward_only_and_counts(database_url: str) -> None:
    async with connected(database_url) as connection:
        number = (await an_audience(connection)).audience_no
        work = await claimed(connection)
        for revision, rows in ((5, 100), (3, 1)):
            assert await leases.settle_window(
                connection,
                number,
                work.lease_token,
                synced_revision=revision,
                rows_settled=rows,
            )
        audience = await reread(connection, number)
        assert (audience.synced_revision, audience.rows_settled) == (5, 101)


@pytest.mark.parametrize("due_in_minutes", [None, 10])
async def test_a_disconnected_audience_is_due_again_only_where_that_is_said(
    database_url: str, due_in_minutes: int | None
) -> None:
    async with connected(database_url) as connection:
        number = (await an_audience(connection)).audience_no
        work = await claimed(connection)
        await audiences.request_disconnect(connection, number, "FLUSH")
        for _ in range(2):
            assert await leases.finish_disconnect(connection, number, work.lease_token)
        due_at = None if due_in_minutes is None else work.now + timedelta(minutes=due_in_minutes)
        assert await leases.release(connection, number, work.lease_token, due_at=due_at)
        assert await claim(connection) is None
        due_in_s = await leases.next_due_in_s(connection)
        assert (due_in_s and round(due_in_s / 60)) == due_in_minutes
