import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.identifiers import EMPTY_ROW, Key, prefix, split_rows, unpack_row
from service.store import audiences, change_log, leases, membership, syncs
from service.store.connection import Connection
from service.store.membership import MemberChange, MergeResult
from tests.integration.store_builders import (
    NOON,
    an_audience,
    at,
    claimed,
    connected,
    email,
    enters,
    key_of,
    leaves,
    put_account,
    reread,
    row,
)


async def merged(
    connection: Connection, audience_no: int, *changes: MemberChange, now: datetime = NOON
) -> MergeResult:
    """Merge as a handler does."""
    async with connection.transaction():
        audience = await reread(connection, audience_no)
        assert await audiences.lock_audience(connection, audience.audience_id)
        return await membership.merge(connection, audience_no, changes, now=now, rules_version=1)


async def log_of(connection: Connection, audience_no: int) -> list[tuple[int, str, list[bytes]]]:
    records = await connection.fetch(
        "select * from change_chunk where audience_no = $1 order by revision", audience_no
    )
    assert all(len(split_rows(r["packed_rows"])) == r["row_count"] for r in records)
    return [(r["revision"], r["operation"], split_rows(r["packed_rows"])) for r in records]


async def members_of(
    connection: Connection, audience_no: int
) -> dict[bytes, tuple[tuple[bytes, ...], datetime]]:
    """Rows and clock by member key."""
    records = await connection.fetch(
        "select * from member where audience_no = $1 order by member_key, row_no", audience_no
    )
    found: dict[bytes, tuple[tuple[bytes, ...], datetime]] = {}
    for record in records:
        rows, clock = found.get(record["member_key"], ((), record["changed_at"]))
        assert record["row_no"] == len(rows)
        values = unpack_row(record["packed_row"])
        for key, column in (
            (Key.EMAIL, "email_prefix"),
            (Key.PHONE, "phone_prefix"),
            (Key.MADID, "madid_prefix"),
        ):
            assert record[column] == (prefix(values[key]) if key in values else None)
        found[record["member_key"]] = ((*rows, record["packed_row"]), clock)
    return found


async def tombstones_of(connection: Connection, audience_no: int) -> dict[bytes, datetime]:
    records = await connection.fetch(
        "select member_key, changed_at from tombstone where audience_no = $1", audience_no
    )
    return {record["member_key"]: record["changed_at"] for record in records}


@dataclass
class Model:
    """What a merge is meant to do, on plain dicts."""

    members: dict[bytes, tuple[tuple[bytes, ...], datetime]] = field(default_factory=dict)
    tombstones: dict[bytes, datetime] = field(default_factory=dict)

    def apply(self, change: MemberChange, now: datetime) -> bool:
        """Whether the change changed who is present with what."""
        key, said = change.member_key, change.occurred_at
        said = None if said is None else min(said, now)
        old, known = self.members.get(key, (None, self.tombstones.get(key)))
        if said is not None and known is not None and said < known:
            return False
        new = None if change.rows is None else change.rows or (EMPTY_ROW,)
        if old != new:
            self._set(key, new, said or max(now, known or now))
        elif said is not None:
            self._set(key, new, said)
        return old != new

    def _set(self, key: bytes, rows: tuple[bytes, ...] | None, clock: datetime) -> None:
        self.members.pop(key, None)
        self.tombstones.pop(key, None)
        if rows is None:
            self.tombstones[key] = clock
        else:
            self.members[key] = rows, clock

    @property
    def held(self) -> set[bytes]:
        rows = {row for rows, _ in self.members.values() for row in rows}
        return rows - {EMPTY_ROW}


MEMBERS = ("ann", "bob", "cyd", "dan")
ROWS = (
    email("a"),
    email("b"),
    row(email="a", phone="1"),
    row(email="b", phone="1", fn="x"),
    row(madid="m"),
)
TIMES = st.none() | st.integers(-5, 12).map(at)
CHANGES = st.one_of(
    st.builds(
        lambda member, time: leaves(member, occurred_at=time), st.sampled_from(MEMBERS), TIMES
    ),
    st.builds(
        lambda member, rows, time: enters(member, *rows, occurred_at=time),
        st.sampled_from(MEMBERS),
        st.lists(st.sampled_from(ROWS), max_size=3),
        TIMES,
    ),
)
BATCHES = st.lists(
    st.tuples(
        st.integers(0, 10).map(at),
        st.lists(CHANGES, max_size=4, unique_by=lambda change: change.member_key),
    ),
    max_size=6,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES)
async def test_any_history_of_batches_leaves_what_the_model_says(
    database_url: str, batches: Sequence[tuple[datetime, list[MemberChange]]]
) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection, uuid.uuid4().hex)).audience_no
        model = Model()
        for now, changes in batches:
            result = await merged(connection, audience_no, *changes, now=now)
            changed = sum([model.apply(change, now) for change in changes])
            assert await members_of(connection, audience_no) == model.members
            assert await tombstones_of(connection, audience_no) == model.tombstones
            audience = await reread(connection, audience_no)
            assert result == MergeResult(audience.revision, changed, len(changes) - changed)
            assert audience.member_count == len(model.members)
            empty = [rows for rows, _ in model.members.values() if rows == (EMPTY_ROW,)]
            assert audience.unmatchable_count == len(empty)
            check_log(await log_of(connection, audience_no), audience.revision, model.held)
            logged = await connection.fetchval(
                "select coalesce(sum(row_count), 0) from change_chunk where audience_no = $1",
                audience_no,
            )
            assert audience.rows_logged == logged


TIMED_HISTORIES = st.dictionaries(
    st.tuples(st.sampled_from(MEMBERS), st.integers(0, 12).map(at)),
    st.none() | st.lists(st.sampled_from(ROWS), max_size=3),
    min_size=1,
    max_size=8,
).map(
    lambda said: [
        leaves(member, occurred_at=time)
        if rows is None
        else enters(member, *rows, occurred_at=time)
        for (member, time), rows in said.items()
    ]
)
"""Of one member no two changes at one time: of those the order of arrival would decide."""


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=TIMED_HISTORIES, data=st.data())
async def test_timed_changes_end_alike_in_any_order_repetition_and_grouping(
    database_url: str, changes: list[MemberChange], data: st.DataObject
) -> None:
    repeats = data.draw(st.lists(st.sampled_from(changes), max_size=4))
    delivered = data.draw(st.permutations(changes + repeats))
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection, uuid.uuid4().hex)).audience_no
        for batch in grouped(delivered, data):
            await merged(connection, audience_no, *batch, now=at(20))
        newest = {c.member_key: c for c in sorted(changes, key=lambda c: c.occurred_at or NOON)}
        assert await members_of(connection, audience_no) == {
            key: (change.rows or (EMPTY_ROW,), change.occurred_at)
            for key, change in newest.items()
            if change.rows is not None
        }


def grouped(changes: Sequence[MemberChange], data: st.DataObject) -> list[list[MemberChange]]:
    """Batches drawn in this order; a member is at most once in each, as a merge wants it."""
    batches: list[list[MemberChange]] = [[]]
    for change in changes:
        is_there = any(change.member_key == other.member_key for other in batches[-1])
        if is_there or data.draw(st.booleans()):
            batches.append([])
        batches[-1].append(change)
    return batches


def check_log(log: Sequence[tuple[int, str, list[bytes]]], revision: int, held: set[bytes]) -> None:
    """Replayed, and looking at who is present, the log tells exactly what is held."""
    assert [chunk[0] for chunk in log] == list(range(1, revision + 1))
    last: Mapping[bytes, str] = {row: operation for _, operation, rows in log for row in rows}
    added = {row for row, operation in last.items() if operation == "ADD"}
    assert EMPTY_ROW not in last
    assert added <= held <= last.keys()


async def test_a_repeated_batch_writes_nothing_at_all(database_url: str) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        batch = [enters("ann", email("a"), email("b")), enters("bob"), leaves("cyd")]
        first = await merged(connection, audience_no, *batch)
        before = await versions(connection)
        again = await merged(connection, audience_no, *batch, now=at(5))
        assert await versions(connection) == before
        assert (first.changed_count, first.unchanged_count) == (2, 1)
        assert again == MergeResult(first.revision, 0, 3)


async def versions(connection: Connection) -> list[asyncpg.Record]:
    return [
        record
        for table in ("member", "tombstone", "change_chunk", "audience")
        for record in await connection.fetch(f"select ctid, xmin from {table} order by ctid")  # noqa: S608
    ]


async def test_of_several_rows_only_what_differs_and_the_clock_are_written(
    database_url: str,
) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        rows = sorted(email(text) for text in "abcd")
        await merged(connection, audience_no, enters("ann", *rows))
        before = await versions_of_rows(connection)
        await merged(connection, audience_no, enters("ann", *rows[:2], rows[3]), now=at(1))
        after = await versions_of_rows(connection)
        assert [before[n] == after[n] for n in (0, 1, 2)] == [False, True, False]
        assert after.keys() == {0, 1, 2}


async def test_who_loses_a_row_has_all_of_theirs_logged_as_removed_together(
    database_url: str,
) -> None:
    """Facebook may know the row that went and one that stays to be the same person."""
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        rows = sorted(email(text) for text in "abc")
        await merged(connection, audience_no, enters("ann", *rows[:2]), enters("bob", email("x")))
        await merged(connection, audience_no, enters("ann", *rows), enters("bob"), now=at(1))
        await merged(connection, audience_no, enters("ann", *rows[1:]), now=at(2))
        assert (await log_of(connection, audience_no))[1:] == [
            (2, "REMOVE", [email("x")]),
            (3, "ADD", [rows[2]]),
            (4, "REMOVE", rows),
        ]


async def versions_of_rows(connection: Connection) -> dict[int, str]:
    records = await connection.fetch("select row_no, ctid::text as place from member")
    return {record["row_no"]: record["place"] for record in records}


async def test_a_row_that_moves_between_members_is_removed_before_it_is_added(
    database_url: str,
) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        await merged(connection, audience_no, enters("ann", email("a")))
        await merged(connection, audience_no, leaves("ann"), enters("bob", email("a")))
        log = await log_of(connection, audience_no)
        assert log[1:] == [(2, "REMOVE", [email("a")]), (3, "ADD", [email("a")])]


async def test_a_late_change_cannot_bring_back_who_left(database_url: str) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        await merged(connection, audience_no, enters("ann", email("a"), occurred_at=at(1)))
        await merged(connection, audience_no, leaves("ann", occurred_at=at(3)), now=at(9))
        late = await merged(
            connection, audience_no, enters("ann", email("a"), occurred_at=at(2)), now=at(9)
        )
        assert late.unchanged_count == 1
        assert await members_of(connection, audience_no) == {}
        same = enters("ann", email("a"), occurred_at=at(3))
        assert (await merged(connection, audience_no, same, now=at(9))).changed_count == 1


async def test_a_time_in_the_future_counts_as_now(database_url: str) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        await merged(connection, audience_no, enters("ann", email("a"), occurred_at=at(600)))
        left = await merged(connection, audience_no, leaves("ann", occurred_at=at(1)), now=at(1))
        assert left.changed_count == 1


async def test_audiences_do_not_touch_each_other(database_url: str) -> None:
    async with connected(database_url) as connection:
        one = (await an_audience(connection, "one")).audience_no
        other = (await an_audience(connection, "other")).audience_no
        await merged(connection, one, enters("ann", email("a")))
        await merged(connection, other, enters("ann", email("b")), leaves("bob"))
        await merged(connection, other, leaves("ann"))
        assert await members_of(connection, one) == {key_of("ann"): ((email("a"),), NOON)}


async def test_a_big_batch_is_logged_in_chunks_with_the_removals_first(database_url: str) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        first = [enters(f"m{n}", email(f"e{n}")) for n in range(12_000)]
        await merged(connection, audience_no, *first)
        second = [enters(f"m{n}", email(f"f{n}")) for n in range(10_001)]
        result = await merged(connection, audience_no, *second, now=at(1))
        log = await log_of(connection, audience_no)
        assert [operation for _, operation, _ in log] == ["ADD"] * 2 + ["REMOVE"] * 2 + ["ADD"] * 2
        assert [sum(len(log[n][2]) for n in pair) for pair in ((0, 1), (2, 3), (4, 5))] == [
            *(12_000, 10_001, 10_001),
        ]
        assert max(len(rows) for _, _, rows in log) <= change_log.CHUNK_ROWS_MAX
        assert result == MergeResult(6, 10_001, 0)


async def test_the_rows_that_a_member_loses_are_in_one_chunk(database_url: str) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        people = {f"m{n}": [email(f"{n}{which}") for which in "abc"] for n in range(5_000)}
        await merged(connection, audience_no, *(enters(m, *rows) for m, rows in people.items()))
        await merged(connection, audience_no, *(enters(m, rows[0]) for m, rows in people.items()))
        removed = [
            set(rows)
            for _, operation, rows in await log_of(connection, audience_no)
            if operation == "REMOVE"
        ]
        assert len(removed) == 2
        assert all(any(chunk.issuperset(rows) for chunk in removed) for rows in people.values())


async def test_two_batches_in_one_transaction_do_not_mix(database_url: str) -> None:
    async with connected(database_url) as connection, connection.transaction():
        audience_no = (await an_audience(connection)).audience_no
        for member in ("ann", "bob"):
            result = await membership.merge(
                connection, audience_no, [enters(member, email(member))], now=NOON, rules_version=1
            )
            assert result.changed_count == 1
        assert (await reread(connection, audience_no)).member_count == 2


async def test_batches_at_once_are_merged_one_after_the_other(database_url: str) -> None:
    async with connected(database_url) as one, connected(database_url) as other:
        audience_no = (await an_audience(one)).audience_no

        async def merge_many(connection: Connection, own: str) -> None:
            for n in range(10):
                shared, mine = enters("ann", email(f"{own}{n}")), enters(f"{own}{n}", email("b"))
                await merged(connection, audience_no, shared, mine, now=at(n))

        await asyncio.gather(merge_many(one, "x"), merge_many(other, "y"))
        members = await members_of(one, audience_no)
        audience = await reread(one, audience_no)
        assert audience.member_count == len(members) == 21
        held = {held_row for rows, _ in members.values() for held_row in rows}
        check_log(await log_of(one, audience_no), audience.revision, held)


async def test_merging_wishing_and_settling_at_once_never_deadlock(database_url: str) -> None:
    async with (
        connected(database_url) as merging,
        connected(database_url) as wishing,
        connected(database_url) as settling,
        connected(database_url) as putting,
    ):
        audience_no = (await an_audience(merging)).audience_no
        work = await claimed(merging)

        async def merge_many() -> None:
            for n in range(15):
                await merged(merging, audience_no, enters("ann", email(f"{n}")), now=at(n))

        async def wish_many() -> None:
            for n in range(15):
                async with wishing.transaction():
                    audience = await audiences.lock_audience(wishing, "vip")
                    assert audience
                    await audiences.set_paused(wishing, audience_no, bool(n % 2))
                    await syncs.request_sync(wishing, audience, "CHANGES", "REQUEST")

        async def settle_many() -> None:
            for n in range(15):
                async with settling.transaction():
                    await change_log.append_rows(
                        settling, audience_no, "REMOVE", [email("a")], now=at(n), rules_version=1
                    )
                    assert await leases.settle_window(
                        settling, audience_no, work.lease_token, synced_revision=n, rows_settled=1
                    )
                    assert await syncs.cancel_waiting(settling, audience_no, work.lease_token)

        async def put_many() -> None:
            for _ in range(15):
                async with putting.transaction():
                    await put_account(putting)

        await asyncio.gather(merge_many(), wish_many(), settle_many(), put_many())
        assert (await reread(merging, audience_no)).rows_settled == 15


@pytest.mark.parametrize("step", ["member", "tombstone", "change_chunk", "audience"])
async def test_a_failure_in_the_middle_changes_nothing(
    database_url: str, step: Literal["member", "tombstone", "change_chunk", "audience"]
) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        await merged(connection, audience_no, enters("ann", email("a")), enters("bob", email("b")))
        before = await everything(connection, audience_no)
        await connection.execute(
            "create function fail() returns trigger language plpgsql as"
            " $$ begin raise exception 'no'; end $$;"
            f" create trigger fail after insert or update or delete on {step}"
            " for each row execute function fail();"
        )
        with pytest.raises(asyncpg.RaiseError):
            await merged(
                connection, audience_no, enters("ann", email("c")), leaves("bob"), now=at(1)
            )
        assert await everything(connection, audience_no) == before
        await connection.execute("drop function fail cascade")
        again = await merged(connection, audience_no, enters("ann", email("c")), leaves("bob"))
        assert again.changed_count == 2


async def everything(connection: Connection, audience_no: int) -> tuple[object, ...]:
    return (
        await members_of(connection, audience_no),
        await tombstones_of(connection, audience_no),
        await log_of(connection, audience_no),
        await reread(connection, audience_no),
    )


async def test_a_merge_outside_a_transaction_is_refused(database_url: str) -> None:
    async with connected(database_url) as connection:
        with pytest.raises(RuntimeError, match="transaction"):
            await membership.merge(connection, 1, [], now=NOON, rules_version=1)


async def test_pages_of_members_leave_out_empty_rows_and_end(database_url: str) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        people = [enters(f"m{n}", email(f"{n}"), email(f"{n}x")) for n in range(5)]
        await merged(connection, audience_no, *people, enters("nobody"))
        seen: list[tuple[bytes, bytes]] = []
        after: tuple[bytes | None, int | None] = (None, None)
        while page := await membership.read_member_page(
            connection, audience_no, after_key=after[0], after_row_no=after[1], limit=3
        ):
            assert len(page) <= 3
            seen += [(one.member_key, one.packed_row) for one in page]
            after = page[-1].member_key, page[-1].row_no
        assert seen == sorted(
            ((one.member_key, one_row) for one in people for one_row in one.rows or ()),
        )


async def test_holders_are_found_by_each_kind_of_identifier_up_to_a_number(
    database_url: str,
) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        shared = [enters(f"m{n}", row(email="same", fn=f"{n}")) for n in range(4)]
        both = row(phone="1", madid="m")
        await merged(connection, audience_no, *shared, enters("both", both))
        values = unpack_row(both)
        found = await membership.find_holders(
            connection,
            audience_no,
            email_prefixes=[prefix(unpack_row(email("same"))[Key.EMAIL]), 7],
            phone_prefixes=[prefix(values[Key.PHONE])],
            madid_prefixes=[prefix(values[Key.MADID])],
            per_identifier=3,
        )
        assert [(one.key, one.packed_row) for one in found if one.key != Key.EMAIL] == [
            (Key.PHONE, both),
            (Key.MADID, both),
        ]
        assert found[-1].member_key == key_of("both")
        by_email = [one.packed_row for one in found if one.key == Key.EMAIL]
        assert len(by_email) == 3
        assert set(by_email) <= {change.rows[0] for change in shared if change.rows}


async def test_all_rows_of_members_are_read_without_empty_ones(database_url: str) -> None:
    async with connected(database_url) as connection:
        audience_no = (await an_audience(connection)).audience_no
        rows = sorted([email("a"), email("b")])
        await merged(connection, audience_no, enters("ann", *rows), enters("bob"), enters("cyd"))
        keys = [key_of(name) for name in ("ann", "bob", "nobody")]
        found = await membership.read_members(connection, audience_no, member_keys=keys)
        assert sorted((one.member_key, one.row_no, one.packed_row) for one in found) == [
            (key_of("ann"), row_no, packed_row) for row_no, packed_row in enumerate(rows)
        ]


async def test_an_ended_audience_is_forgotten_slice_by_slice(database_url: str) -> None:
    async with connected(database_url) as connection:
        gone = (await an_audience(connection, "gone")).audience_no
        kept = (await an_audience(connection, "kept")).audience_no
        for audience_no in (gone, kept):
            await merged(
                connection, audience_no, *(enters(f"m{n}", email(f"{n}")) for n in range(5))
            )
            await merged(connection, audience_no, leaves("m0"))
        slices = []
        while count := await membership.forget_members(connection, gone, limit=3):
            slices.append(count)
        assert slices == [6, 1]
        assert (await members_of(connection, gone), await log_of(connection, gone)) == ({}, [])
        assert len(await members_of(connection, kept)) == 4
