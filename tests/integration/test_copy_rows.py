"""Rows that are copied into Postgres arrive as they were meant."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.identifiers import EMPTY_ROW, STRONG_KEYS, Key, pack_row, prefix, strong_identifiers
from service.store import imports
from service.store.connection import Connection
from service.store.copy_rows import (
    INCOMING_COLUMNS,
    RECORDS_A_TURN,
    ROWS_A_TURN,
    incoming_records,
    staged_records,
)
from service.store.member_batch import MemberBatch
from service.store.merge import make_merge_tables
from service.store.rows import MemberChange
from tests.integration.store_builders import NOON, connected, digest, email, enters, key_of, leaves

VALUES = {
    Key.EMAIL: digest("e"),
    Key.PHONE: bytes(range(32)),
    Key.MADID: bytes(range(240, 256)),
}
TIMES = [NOON, NOON.replace(year=1969), NOON + timedelta(microseconds=1)]

Copied = list[tuple[object, ...]]


def rows_of_every_layout() -> list[bytes]:
    """Every choice of strong keys, with a weak key and without."""
    return [
        pack_row({key: VALUES[key] for key in STRONG_KEYS if strong >> key & 1} | weak)
        for strong in range(1, 1 << len(STRONG_KEYS))
        for weak in ({}, {Key.FN: b"f" * 32}, {key: b"w" * 32 for key in Key if key > 2})
    ]


def expected(changes: Sequence[MemberChange]) -> Copied:
    records: Copied = []
    for change in changes:
        rows = [None] if change.rows is None else change.rows or (EMPTY_ROW,)
        for row_no, row in enumerate(rows):
            found = {key: prefix(value) for key, value in strong_identifiers(row or EMPTY_ROW)}
            prefixes = [found.get(key) for key in STRONG_KEYS]
            records.append((change.member_key, row_no, row, *prefixes, change.occurred_at))
    return records


def by_key(records: Copied) -> Copied:
    """In the order of members: a batch is written in the order of its masks."""
    return sorted(records, key=lambda record: record[:2])


async def copied(connection: Connection, changes: Sequence[MemberChange]) -> Copied:
    async with connection.transaction():
        await make_merge_tables(connection)
        await connection.copy_to_table(
            "incoming", source=incoming_records(changes), columns=INCOMING_COLUMNS, format="binary"
        )
        return [tuple(one) for one in await connection.fetch("select * from incoming")]


CHANGES = [
    *(enters(f"m{number}", row) for number, row in enumerate(rows_of_every_layout())),
    enters("several", *rows_of_every_layout()),
    enters("nothing"),
    leaves("leaver"),
    *(enters(f"at {time}", email("a"), occurred_at=time) for time in TIMES),
    leaves("left", occurred_at=NOON),
]


@pytest.mark.parametrize("count", [0, 1, len(CHANGES)])
async def test_records_are_copied_as_they_are(database_url: str, count: int) -> None:
    async with connected(database_url) as store:
        assert await copied(store, CHANGES[:count]) == expected(CHANGES[:count])


@pytest.mark.parametrize("others", [[], CHANGES])
async def test_a_batch_is_copied_like_its_changes(
    database_url: str, others: list[MemberChange]
) -> None:
    rows = [*rows_of_every_layout(), *reversed(rows_of_every_layout())]
    batch = MemberBatch([key_of(f"b{at}") for at in range(len(rows))], rows, others)
    async with connected(database_url) as store:
        assert by_key(await copied(store, batch)) == by_key(expected(list(batch)))
    assert len(batch) == len(rows) + len(others)


@given(
    st.lists(
        st.tuples(st.sampled_from(rows_of_every_layout()), st.binary(min_size=16, max_size=16))
    )
)
async def test_rows_are_written_together_as_each_alone(drawn: list[tuple[bytes, bytes]]) -> None:
    rows = [row[:2] + noise + row[18:] for row, noise in drawn]
    batch = MemberBatch([noise for _, noise in drawn], rows)
    masks = list(dict.fromkeys(row[:2] for row in rows))
    keyed = sorted(zip(batch.keys, rows, strict=True), key=lambda one: masks.index(one[1][:2]))
    changes = [MemberChange(key, (row,)) for key, row in keyed]
    for written in (incoming_records, partial(staged_records, 7, 2**40)):
        together = b"".join([piece async for piece in written(batch)])
        assert together == b"".join([piece async for piece in written(changes)])


async def test_more_records_than_are_written_at_once_are_all_copied(database_url: str) -> None:
    count = ROWS_A_TURN * 2 + 1
    others = [enters(f"o{at}", email("a")) for at in range(RECORDS_A_TURN + 1)]
    keys = [key_of(f"b{at}") for at in range(count)]
    batch = MemberBatch(keys, [email("a")] * count, others)
    async with connected(database_url) as store:
        assert await copied(store, batch) == expected(list(batch))


@pytest.mark.parametrize("others", [[], [enters("several", *rows_of_every_layout()), enters("")]])
async def test_a_chunk_of_a_list_is_staged_with_its_place(
    database_url: str, others: list[MemberChange]
) -> None:
    rows = rows_of_every_layout()
    batch = MemberBatch([key_of(f"b{at}") for at in range(len(rows))], rows, others)
    wanted = [(7, 2**40, *record[:-1]) for record in by_key(expected(list(batch)))]
    for changes in (batch, list(batch)):
        async with connected(database_url) as store, store.transaction():
            await imports.stage_rows(store, 7, 2**40, changes)
            staged = await store.fetch("select * from import_row order by member_key, row_no")
            await imports.drop_staged_rows(store, 7)
        assert [tuple(one) for one in staged] == wanted


def test_a_batch_is_a_sequence_of_changes() -> None:
    batch = MemberBatch([b"a" * 16], [email("a")], [leaves("b")])
    assert list(batch) == [MemberChange(b"a" * 16, (email("a"),)), leaves("b")]
    assert batch[1:] == [leaves("b")]
    assert batch[-1] == leaves("b")
