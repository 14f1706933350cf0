"""An audience that changes for long keeps its size: tables and indexes are used again.

Postgres vacuums by its statistics once a minute, which is longer than a hundred cycles take here. So
after each cycle the test asks what the server would ask, by each table's own settings, and vacuums
what is due.
"""

from random import Random

from service.store import change_log
from service.store.connection import Connection
from service.store.membership import merge
from service.store.rows import Audience, MemberChange
from tests.integration.store_builders import an_audience, at, connected, email, enters, leaves

MEMBERS = 10_000
CHANGES = MEMBERS // 100
CYCLES = 100
TOMBSTONE_CYCLES = 5
GROWTH_MAX = 1.5
JUDGED_BYTES_MIN = 100_000
"""A relation of fewer pages may double by one of them."""

SIZES = """
select relname::text, pg_relation_size(oid) as bytes from pg_class
where relkind in ('r', 'i', 't') and relnamespace in ('public'::regnamespace, 'pg_toast'::regnamespace)
    and oid >= 16384
"""
DUE = """
with option as (
    select
        c.oid, c.relname, c.reltuples,
        coalesce(max(o.option_value::float) filter (
            where o.option_name = 'autovacuum_vacuum_threshold'
        ), current_setting('autovacuum_vacuum_threshold')::float) as threshold,
        coalesce(max(o.option_value::float) filter (
            where o.option_name = 'autovacuum_vacuum_scale_factor'
        ), current_setting('autovacuum_vacuum_scale_factor')::float) as scale_factor
    from pg_class c left join lateral pg_options_to_table(c.reloptions) o on true
    where c.relkind in ('r', 't')
    group by c.oid
)
select o.oid::regclass::text
from option o join pg_stat_all_tables s on s.relid = o.oid
where s.schemaname in ('public', 'pg_toast') and o.oid >= 16384
    and s.n_dead_tup > o.threshold + o.scale_factor * greatest(0, o.reltuples)
"""


async def vacuum_what_is_due(connection: Connection) -> None:
    await connection.execute("select pg_stat_force_next_flush()")
    for table in await connection.fetch(DUE):
        await connection.execute(f"vacuum (analyze) {table[0]}")


async def sizes(connection: Connection) -> dict[str, int]:
    return {found["relname"]: found["bytes"] for found in await connection.fetch(SIZES)}


class Shoppers:
    """Members of whom one in a hundred has news at a time: most another address, some leave or come."""

    def __init__(self) -> None:
        self._chance = Random(1)
        self._present = [f"m{number}" for number in range(MEMBERS)]
        self._numbers = iter(range(MEMBERS, 10**9))

    def first_list(self) -> list[MemberChange]:
        return [enters(name, email(name)) for name in self._present]

    def news(self) -> list[MemberChange]:
        moved = self._chance.sample(range(MEMBERS), CHANGES)
        gone, come = moved[: CHANGES // 10], moved[CHANGES // 10 :]
        news = [enters(self._present[place], self._another_row()) for place in come]
        for place in gone:
            news.append(leaves(self._present[place]))
            self._present[place] = f"m{next(self._numbers)}"
            news.append(enters(self._present[place], self._another_row()))
        return news

    def _another_row(self) -> bytes:
        return email(f"{next(self._numbers)}@mail.example")


async def one_cycle(
    connection: Connection, audience: Audience, cycle: int, changes: list[MemberChange]
) -> None:
    """Changes come in, are sent and settled, and what is old is forgotten."""
    number = audience.audience_no
    async with connection.transaction():
        merged = await merge(connection, number, changes, now=at(cycle), rules_version=1)
    async with connection.transaction():
        await change_log.prune_log(
            connection, number, additions_up_to=merged.revision, removals_before=at(cycle + 1)
        )
        await change_log.prune_tombstones(
            connection, number, at(cycle - TOMBSTONE_CYCLES), limit=MEMBERS
        )
    await vacuum_what_is_due(connection)


async def test_a_hundred_cycles_of_changes_leave_the_size_as_it_was(database_url: str) -> None:
    shoppers = Shoppers()
    async with connected(database_url) as connection:
        audience = await an_audience(connection)
        await one_cycle(connection, audience, 0, shoppers.first_list())
        await one_cycle(connection, audience, 1, shoppers.news())
        first = await sizes(connection)
        for cycle in range(2, 2 + CYCLES):
            await one_cycle(connection, audience, cycle, shoppers.news())
        last = await sizes(connection)
    growth = {name: last[name] / size for name, size in first.items() if size >= JUDGED_BYTES_MIN}
    assert {"member", "member_pkey", "member_email"} <= growth.keys()
    assert {name: by for name, by in growth.items() if by > GROWTH_MAX} == {}
    assert sum(last.values()) <= GROWTH_MAX * sum(first.values())
