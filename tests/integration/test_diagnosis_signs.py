"""What is read of the server, keys, accounts and audiences before it is judged."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from service.embedded.memory import shared_mb
from service.store import diagnosis, imports, leases
from service.store.connection import Connection
from service.store.diagnosis_rows import AdAccountSigns, AudienceSigns, SealingKeyUse
from service.store.membership import merge
from service.store.sealing import Keyring
from tests.integration.store_builders import (
    an_audience,
    claimed,
    connected,
    email,
    enters,
    reread,
)

SYNC = """
insert into sync (
    audience_no, sync_no, trigger, mode, state, requested_at, started_at, ended_at, rows_to_add,
    rows_added, rows_invalid, rows_carried_over, matched_count
)
select
    $1, $2, 'SCHEDULE', 'CHANGES', 'PARTIALLY_SUCCEEDED', now(), now(), now() - $7::text::interval,
    $3::integer + $4::integer + $5::integer, $3, $4, $5, $6
"""


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    async with connected(database_url) as opened:
        yield opened


async def signs(connection: Connection, audience_no: int) -> AudienceSigns:
    audience = await reread(connection, audience_no)
    return await diagnosis.read_audience_signs(
        connection,
        audience_no,
        synced_revision=audience.synced_revision,
        since=datetime.now(UTC) - timedelta(days=7),
    )


async def test_the_server_tells_its_version_and_settings(connection: Connection) -> None:
    signs = await diagnosis.read_server_signs(connection, idle_s=300)
    assert signs.version_number == int(await connection.fetchval("show server_version_num"))
    assert (signs.is_standby, signs.has_autovacuum) == (False, True)
    assert signs.has_fsync is False, "the tests' server is in a hurry"
    assert signs.has_synchronous_commit
    assert signs.shared_buffer_bytes == shared_mb() * 1024**2
    assert signs.wal_bytes_max == 4 * 1024**3
    assert 0 < signs.transaction_age < 1_000_000
    await connection.execute("set synchronous_commit = off")
    assert not (await diagnosis.read_server_signs(connection, idle_s=300)).has_synchronous_commit


async def test_sessions_count_once_they_have_been_idle_in_a_transaction_for_so_long(
    connection: Connection, database_url: str
) -> None:
    async with connected(database_url) as other, other.transaction():
        await other.execute("select 1")
        for idle_s, expected in ((0.0, 1), (300.0, 0)):
            signs = await diagnosis.read_server_signs(connection, idle_s=idle_s)
            assert signs.idle_in_transaction_count == expected
    signs = await diagnosis.read_server_signs(connection, idle_s=0)
    assert signs.idle_in_transaction_count == 0


async def test_every_table_is_told_and_which_is_never_vacuumed(connection: Connection) -> None:
    await connection.execute("alter table member set (autovacuum_enabled = no)")
    tables = {one.table_name: one for one in await diagnosis.list_table_signs(connection)}
    assert {"audience", "member", "change_chunk", "dropped_count"} <= tables.keys()
    assert [name for name, one in tables.items() if not one.is_vacuumed] == ["member"]


async def test_dead_rows_are_told(connection: Connection) -> None:
    await connection.execute(
        "insert into request select 1, 'm', n::text, '', '', now() from generate_series(1, 50) as n"
    )
    await connection.execute("delete from request where request_id::integer > 20")
    await connection.execute("select pg_stat_force_next_flush()")
    tables = await diagnosis.list_table_signs(connection)
    (request,) = (one for one in tables if one.table_name == "request")
    assert (request.live_count, request.dead_count) == (20, 30)


async def test_keys_are_counted_by_what_they_sealed(connection: Connection) -> None:
    sealed = {
        name: Keyring.from_text(f"{name}:{'A' * 43}=").seal("secret", record="r")
        for name in ("old", "k-2")
    }
    await connection.executemany(
        "insert into ad_account"
        " (ad_account_id, name, app_id, sealed_access_token, sealed_app_secret, scopes)"
        " values ($1, '', '', $2, $3, '{}')",
        [
            ("act_1", sealed["old"], sealed["k-2"]),
            ("act_2", sealed["k-2"], None),
            ("act_3", b"", None),
            ("act_4", b"\x05\xff\x00\xfe", None),
        ],
    )
    uses = await diagnosis.list_sealing_key_uses(connection)
    assert SealingKeyUse(key_id="old", secret_count=1) in uses
    assert SealingKeyUse(key_id="k-2", secret_count=2) in uses
    assert len(uses) == 3, "what is damaged is told as it is"


async def test_an_account_tells_its_usage_and_how_many_audiences_it_has(
    connection: Connection,
) -> None:
    await an_audience(connection, "a")
    gone = await an_audience(connection, "b")
    await connection.execute(
        "update audience set disconnected_at = now() where audience_no = $1", gone.audience_no
    )
    assert await diagnosis.read_ad_account_signs(connection, "act_1") == AdAccountSigns(
        ad_account_id="act_1", usage_percent=0, usage_at=0, audience_count=1
    )
    assert await diagnosis.read_ad_account_signs(connection, "act_2") is None


async def test_a_new_audience_has_no_signs_of_anything(connection: Connection) -> None:
    number = (await an_audience(connection)).audience_no
    assert await signs(connection, number) == AudienceSigns(
        failures_in_a_row=0,
        last_error_reason="",
        oldest_change_at=None,
        rows_sent=0,
        rows_refused=0,
        rows_put_off=0,
        matched_rows_added=0,
        people_matched=0,
        idle_import_at=None,
    )


async def test_the_oldest_change_is_the_first_behind_the_cursor(connection: Connection) -> None:
    number = (await an_audience(connection)).audience_no
    times = [datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2, 3)]
    for time in times:
        async with connection.transaction():
            change = enters(f"m{time.day}", email(f"e{time.day}"))
            await merge(connection, number, [change], now=time, rules_version=1)
    assert (await signs(connection, number)).oldest_change_at == times[0]
    work = await claimed(connection)
    await leases.settle_window(
        connection, number, work.lease_token, synced_revision=1, rows_settled=1
    )
    assert (await signs(connection, number)).oldest_change_at == times[1]


async def test_rows_of_the_last_syncs_are_added_up_and_those_put_off_are_the_newest_ones(
    connection: Connection,
) -> None:
    number = (await an_audience(connection)).audience_no
    for sync in (
        # number, added, refused, put off, people found, age
        (1, 5000, 500, 0, 1, "8 days"),
        (2, 100, 2, 7, 60, "6 days"),
        (3, 10, 0, 0, None, "1 hour"),
    ):
        await connection.execute(SYNC, number, *sync)
    told = await signs(connection, number)
    assert (told.rows_sent, told.rows_refused, told.rows_put_off) == (112, 2, 0)
    assert (told.matched_rows_added, told.people_matched) == (100, 60)


async def test_the_error_of_the_newest_sync_that_ended_is_told(connection: Connection) -> None:
    number = (await an_audience(connection)).audience_no
    await connection.execute("update audience_work set failures_in_a_row = 2")
    await connection.execute(
        "insert into sync (audience_no, sync_no, trigger, mode, state, requested_at, ended_at,"
        " error_reason) values ($1, 1, 'SCHEDULE', 'CHANGES', 'FAILED', now(), now(), 'TRANSIENT'),"
        " ($1, 2, 'REQUEST', 'CHANGES', 'PENDING', now(), null, null)",
        number,
    )
    told = await signs(connection, number)
    assert (told.failures_in_a_row, told.last_error_reason) == (2, "TRANSIENT")


async def test_the_unfinished_import_that_waits_longest_is_told(connection: Connection) -> None:
    number = (await an_audience(connection)).audience_no
    begun = datetime(2026, 11, 1, tzinfo=UTC)
    for days, import_id in enumerate(("b", "c", "a")):
        await imports.begin_import(
            connection,
            number,
            import_id,
            mode="DELTA",
            is_dry_run=False,
            now=begun + timedelta(days=days),
        )
    await connection.execute("update list_import set is_finished = true where import_id = 'b'")
    assert (await signs(connection, number)).idle_import_at == begun + timedelta(days=1)
