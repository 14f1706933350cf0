"""What operators are told of a real database: how far audiences are behind, accounts, the schema."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from service.monitor.database_watch import (
    AWAY_S_MAX,
    LOOK_S,
    SAMPLE_S_MIN,
    USAGE_FADES_S,
    DatabaseWatch,
)
from service.monitor.readiness import Readiness
from service.store import audiences, leases, monitoring
from service.store.connection import Connection
from service.store.membership import merge
from service.store.monitoring import AudienceSample
from service.sync import pacing
from tests.integration.store_builders import (
    an_audience,
    claimed,
    connected,
    email,
    enters,
    put_account,
    reread,
)
from tests.unit.sync.hand_clock import HandClock

pytestmark = pytest.mark.timeout(40)

NOWHERE = "postgresql://nobody@127.0.0.1:9/none"


async def change(connection: Connection, audience_no: int, member: str, *, ago_s: float) -> None:
    now = datetime.now(UTC) - timedelta(seconds=ago_s)
    changes = [enters(member, email(member))]
    async with connection.transaction():
        await merge(connection, audience_no, changes, now=now, rules_version=1)


async def sampled(connection: Connection, named_max: int = 100) -> list[AudienceSample]:
    return await monitoring.sample_audiences(connection, named_max=named_max)


async def make_active(connection: Connection, number: int, **columns: object) -> None:
    await connection.execute(
        "update audience_work set custom_audience_id = $1 where audience_no = $2",
        str(number),
        number,
    )
    for name, value in columns.items():
        await connection.execute(
            f"update audience_work set {name} = $1 where audience_no = $2",  # noqa: S608
            value,
            number,
        )


async def test_freshness_is_the_age_of_the_oldest_unsent_change_in_intervals_too(
    database_url: str,
) -> None:
    async with connected(database_url) as connection:
        audience = await an_audience(connection, sync_interval_s=600)
        number = audience.audience_no
        (fresh,) = await sampled(connection)
        assert (fresh.oldest_unsent_s, fresh.rows_pending, fresh.state) == (0, 0, "CONNECTING")
        await change(connection, number, "ann", ago_s=1200)
        await change(connection, number, "bob", ago_s=60)
        (behind,) = await sampled(connection)
        assert behind.oldest_unsent_s == pytest.approx(1200, abs=20)
        assert behind.intervals_behind == pytest.approx(2, abs=0.1)
        assert behind.rows_pending == 2

        work = await claimed(connection)
        await leases.settle_window(
            connection, number, work.lease_token, synced_revision=1, rows_settled=1
        )
        (partly,) = await sampled(connection)
        assert partly.oldest_unsent_s == pytest.approx(60, abs=20)
        await leases.settle_window(
            connection, number, work.lease_token, synced_revision=2, rows_settled=1
        )
        (settled,) = await sampled(connection)
        assert (settled.oldest_unsent_s, settled.rows_pending) == (0, 0)


async def test_a_change_dated_by_a_clock_that_is_ahead_is_not_younger_than_now(
    database_url: str,
) -> None:
    async with connected(database_url) as connection:
        audience = await an_audience(connection)
        await change(connection, audience.audience_no, "ann", ago_s=-500)
        (sample,) = await sampled(connection)
        assert sample.oldest_unsent_s == 0
        assert sample.rows_pending == 1


async def test_the_state_is_the_one_that_callers_are_told(database_url: str) -> None:
    async with connected(database_url) as connection:
        for name in ("a", "b", "c", "d", "e"):
            await an_audience(connection, name)
        await make_active(connection, 2)
        await make_active(connection, 3, blocked_reason="TOKEN_INVALID")
        await make_active(connection, 4, blocked_reason="TOKEN_INVALID")
        await audiences.set_paused(connection, 4, paused=True)
        await connection.execute(
            "update audience set disconnected_at = now() where audience_no = 5"
        )
        samples = {one.named: one for one in await sampled(connection)}
        assert samples.keys() == {"a", "b", "c", "d"}
        for number, name in enumerate(("a", "b", "c", "d"), start=1):
            assert samples[name].state == (await reread(connection, number)).state
        reasons = {name: one.blocked_reason for name, one in samples.items()}
        assert reasons == {"a": None, "b": None, "c": "TOKEN_INVALID", "d": None}


async def test_those_furthest_behind_are_named_and_the_others_counted_together(
    database_url: str,
) -> None:
    async with connected(database_url) as connection:
        for number in range(1, 31):
            audience = await an_audience(connection, f"a{number}")
            await make_active(connection, audience.audience_no)
            await change(connection, audience.audience_no, "ann", ago_s=number * 100)
        await audiences.set_paused(connection, 30, paused=True)
        samples = await sampled(connection, named_max=3)
        assert [one.named for one in samples if one.named] == ["a29", "a28", "a27"]
        others = {one.state: one for one in samples if one.named is None}
        assert others["ACTIVE"].audience_count == others["ACTIVE"].rows_pending == 26
        assert others["ACTIVE"].oldest_unsent_s == pytest.approx(2600, abs=20)
        assert others["PAUSED"].audience_count == 1, "who is paused is meant to be behind"
        assert len(samples) == 5


async def test_ad_accounts_are_told_with_token_stop_and_usage(database_url: str) -> None:
    async with connected(database_url) as connection:
        await an_audience(connection)
        await put_account(connection, "act_2")
        await connection.execute(
            """update ad_account set throttled_until = now() + interval '90 s',
               token_expires_at = now() + interval '2 days', blocked_reason = 'TOKEN_INVALID'"""
        )
        await connection.execute(
            """insert into account_pace values
               ('act_1', 1, 4, 80, extract(epoch from now()), null, 0, '{}', '{}', '{}', '{}')"""
        )
        (account,) = await monitoring.sample_ad_accounts(
            connection, named_max=1, usage_fades_s=USAGE_FADES_S
        )
        assert (account.named, account.account_count, account.blocked_count) == ("act_1", 1, 1)
        assert account.throttled_left_s == pytest.approx(90, abs=20)
        assert account.token_left_s == pytest.approx(2 * 86_400, abs=20)
        assert account.usage_percent == 80
        await connection.execute("update account_pace set usage_at = usage_at - 1000")
        (together,) = await monitoring.sample_ad_accounts(
            connection, named_max=0, usage_fades_s=USAGE_FADES_S
        )
        assert (together.named, together.usage_percent) == (None, 0)


def test_usage_fades_for_operators_as_it_does_for_the_pace() -> None:
    assert USAGE_FADES_S == pacing.USAGE_FADES_S


@dataclass
class Watched:
    """A watch on a clock that is moved by hand, and what gRPC health was told."""

    watch: DatabaseWatch
    clock: HandClock
    told: list[bool] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        return self.watch.readiness.problems()


@asynccontextmanager
async def watching(dsn: str) -> AsyncIterator[Watched]:
    clock, told = HandClock(), list[bool]()

    async def say_serving(*, serving: bool) -> None:
        told.append(serving)

    watch = DatabaseWatch(dsn, clock, Readiness(is_serving=True), say_serving)
    try:
        yield Watched(watch, clock, told)
    finally:
        watch.close()


async def test_callers_are_sent_elsewhere_only_when_the_database_is_away_for_long(
    database_url: str,
) -> None:
    async with watching(database_url) as watched:
        await watched.watch.look()
        assert (watched.problems, watched.told) == ([], [])
        watched.watch.close()
        watched.watch.dsn = NOWHERE
        await watched.watch.look()
        assert watched.problems == ["the database does not answer"]
        watched.clock.time += AWAY_S_MAX - 1
        await watched.watch.look()
        assert watched.told == []
        watched.clock.time += 1
        await watched.watch.look()
        await watched.watch.look()
        assert watched.told == [False], "once"
        watched.watch.dsn = database_url
        await watched.watch.look()
        assert (watched.problems, watched.told) == ([], [False, True])


async def test_it_goes_on_looking(database_url: str) -> None:
    async with watching(NOWHERE) as watched:
        looking = asyncio.create_task(watched.watch.keep_looking())
        try:
            while not watched.problems:
                await asyncio.sleep(0)
            watched.watch.dsn = database_url
            watched.clock.time += LOOK_S
            while watched.problems:
                await watched.clock.advance(LOOK_S)
        finally:
            looking.cancel()


async def test_a_database_with_a_schema_that_cannot_be_lived_with_is_not_ready(
    database_url: str,
) -> None:
    async with connected(database_url) as connection, watching(database_url) as watched:
        newer = "insert into schema_migration (version, name, checksum, oldest_code)"
        await connection.execute(f"{newer} values (9999, 'x', '', 1)")
        await watched.watch.look()
        assert watched.problems == []
        await connection.execute("update schema_migration set oldest_code = null where name = 'x'")
        await watched.watch.look()
        assert [text[-19:] for text in watched.problems] == ["run a newer program"]
        await connection.execute("delete from schema_migration where version >= 5")
        await watched.watch.look()
        assert watched.problems == ["the database lacks migration 5: run audience-sync migrate"]


async def test_a_busy_scraper_does_not_make_the_database_busy(database_url: str) -> None:
    async with connected(database_url) as connection, watching(database_url) as watched:
        first, *others = await asyncio.gather(*(watched.watch.sample() for _ in range(5)))
        await an_audience(connection)
        assert all(other is first for other in others)
        assert await watched.watch.sample() is first
        watched.clock.time += SAMPLE_S_MIN
        newer = await watched.watch.sample()
        assert newer is not None
        assert [one.named for one in newer.audiences] == ["vip"]


async def test_without_a_database_there_is_no_sample(database_url: str) -> None:
    async with watching(database_url) as watched:
        assert await watched.watch.sample() is not None
        async with connected(database_url) as connection:
            await connection.execute(
                """select pg_terminate_backend(pid) from pg_stat_activity
                   where pid <> pg_backend_pid() and datname = current_database()"""
            )
        watched.clock.time += SAMPLE_S_MIN
        assert await watched.watch.sample() is None
        watched.clock.time += SAMPLE_S_MIN
        assert await watched.watch.sample() is not None, "by a new connection"
