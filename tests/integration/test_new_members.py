"""Members who are all new are written straight in, to the same end as by a merge; one known, and nothing is."""

from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.identifiers import split_rows
from service.store import audiences, membership
from service.store.change_log import CHUNK_ROWS_MAX
from service.store.connection import Connection
from service.store.member_batch import MemberBatch
from service.store.new_members import insert_if_new
from service.store.rows import Audience, MemberChange, MergeResult
from tests.integration.store_builders import (
    NOON,
    a_wish,
    an_audience,
    connected,
    email,
    enters,
    key_of,
    leaves,
    reread,
    row,
)

ROWS = (email("a"), email("b"), row(email="a", phone="1"), row(madid="m"))
PEOPLE = st.lists(
    st.builds(
        lambda number, rows: enters(f"m{number}", *rows),
        st.integers(0, 9),
        st.lists(st.sampled_from(ROWS), max_size=3),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda change: change.member_key,
)
Written = tuple[list[tuple[object, ...]], list[tuple[object, ...]], dict[str, int]]


def batch_of(changes: Sequence[MemberChange]) -> MemberBatch:
    plain = [change for change in changes if len(change.rows or ()) == 1]
    others = [change for change in changes if len(change.rows or ()) != 1]
    return MemberBatch(
        [change.member_key for change in plain],
        [change.rows[0] for change in plain if change.rows],
        others,
    )


async def inserted(
    connection: Connection, audience: Audience, changes: Sequence[MemberChange]
) -> MergeResult | None:
    async with connection.transaction():
        await audiences.lock_audience(connection, audience.audience_id)
        return await insert_if_new(
            connection, audience.audience_no, batch_of(changes), now=NOON, rules_version=1
        )


async def merged(
    connection: Connection, audience: Audience, changes: Sequence[MemberChange]
) -> MergeResult:
    async with connection.transaction():
        await audiences.lock_audience(connection, audience.audience_id)
        return await membership.merge(
            connection, audience.audience_no, changes, now=NOON, rules_version=1
        )


async def written(connection: Connection, audience: Audience) -> Written:
    """Members, what the log adds in all, and the counters."""
    members = await connection.fetch(
        "select member_key, row_no, changed_at, email_prefix, phone_prefix, madid_prefix, packed_row"
        " from member where audience_no = $1 order by 1, 2",
        audience.audience_no,
    )
    chunks = await connection.fetch(
        "select operation, rules_version, logged_at, row_count, length(packed_rows)"
        " from change_chunk where audience_no = $1 order by revision",
        audience.audience_no,
    )
    now = await reread(connection, audience.audience_no)
    counters = {
        "revision": now.revision,
        "rows_logged": now.rows_logged,
        "members": now.member_count,
        "unmatchable": now.unmatchable_count,
    }
    return [tuple(one) for one in members], [tuple(one) for one in chunks], counters


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=PEOPLE, second=PEOPLE)
async def test_two_batches_end_as_they_do_by_merges_or_one_is_known_and_nothing_is_written(
    database_url: str, first: list[MemberChange], second: list[MemberChange]
) -> None:
    async with connected(database_url) as connection:
        transaction = connection.transaction()
        await transaction.start()
        straight = await an_audience(connection, "straight")
        looked_up, _ = await audiences.connect_audience(connection, a_wish("looked-up"))
        assert await inserted(connection, straight, first) == await merged(
            connection, looked_up, first
        )
        before = await written(connection, straight)
        assert before == await written(connection, looked_up)
        known = {change.member_key for change in first} & {change.member_key for change in second}
        result = await inserted(connection, straight, second)
        if known:
            assert result is None
            assert await written(connection, straight) == before
        else:
            assert result == await merged(connection, looked_up, second)
            assert await written(connection, straight) == await written(connection, looked_up)
        await transaction.rollback()


async def test_the_rows_of_the_log_are_those_of_the_members(database_url: str) -> None:
    async with connected(database_url) as connection:
        audience = await an_audience(connection)
        people = [enters("a", email("a")), enters("b", *ROWS), enters("nobody can find them")]
        assert await inserted(connection, audience, people) == MergeResult(1, 3, 0)
        (chunk,) = await connection.fetch("select row_count, packed_rows from change_chunk")
    assert sorted(split_rows(chunk["packed_rows"])) == sorted([email("a"), *ROWS])
    assert chunk["row_count"] == 1 + len(ROWS)


async def test_members_whom_nothing_can_find_are_written_and_nothing_is_logged(
    database_url: str,
) -> None:
    async with connected(database_url) as connection:
        audience = await an_audience(connection)
        assert await inserted(connection, audience, [enters("a")]) == MergeResult(0, 1, 0)
        now = await reread(connection, audience.audience_no)
        assert (now.member_count, now.unmatchable_count, now.rows_logged) == (1, 1, 0)
        assert await connection.fetchval("select count(*) from change_chunk") == 0


async def test_more_rows_than_a_chunk_holds_are_logged_in_several(database_url: str) -> None:
    count = CHUNK_ROWS_MAX + 1
    people = [MemberChange(key_of(f"m{n}"), (email(f"m{n}"),)) for n in range(count)]
    async with connected(database_url) as connection:
        audience = await an_audience(connection)
        assert await inserted(connection, audience, people) == MergeResult(2, count, 0)
        rows = await connection.fetch("select row_count from change_chunk order by revision")
    assert [one["row_count"] for one in rows] == [CHUNK_ROWS_MAX, 1]


async def test_where_somebody_left_nobody_is_written_without_a_look(database_url: str) -> None:
    """Who comes may be who left, and an older word of them would count."""
    async with connected(database_url) as connection:
        audience = await an_audience(connection)
        await merged(connection, audience, [enters("a", email("a"))])
        await merged(connection, audience, [leaves("a")])
        assert await inserted(connection, audience, [enters("b", email("b"))]) is None
        assert (await reread(connection, audience.audience_no)).member_count == 0


async def test_a_batch_in_vain_can_be_merged_in_the_same_transaction(database_url: str) -> None:
    async with connected(database_url) as connection:
        audience = await an_audience(connection)
        await merged(connection, audience, [enters("a", email("a"))])
        people = [enters("b", email("b")), enters("a", email("b"))]
        async with connection.transaction():
            await audiences.lock_audience(connection, audience.audience_id)
            batch = batch_of(people)
            number = audience.audience_no
            found = await insert_if_new(connection, number, batch, now=NOON, rules_version=1)
            assert found is None
            result = await membership.merge(connection, number, batch, now=NOON, rules_version=1)
        assert result.changed_count == 2
        assert (await reread(connection, number)).member_count == 2


async def test_members_of_another_audience_are_not_in_the_way(database_url: str) -> None:
    async with connected(database_url) as connection:
        other = await an_audience(connection)
        audience, _ = await audiences.connect_audience(connection, a_wish("other"))
        people = [enters("a", email("a"))]
        assert await inserted(connection, other, people) == MergeResult(1, 1, 0)
        assert await inserted(connection, audience, people) == MergeResult(1, 1, 0)
