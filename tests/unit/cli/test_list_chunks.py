"""How the columns of a list become chunks: whole, in order, bounded, and with the same meaning."""

from collections.abc import Sequence
from typing import cast

from audiencesync.v1 import audience_sync_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st

from service.cli.customer_list import TRAIT_COLUMNS, MemberColumns
from service.cli.dropped import reason_name
from service.cli.list_chunks import CHUNK_BYTES_MAX, Operation, chunks_of
from service.identifiers import rows_of_member
from tests.unit.rpc.expanded import changes_in


def block(count: int, *, size: int = 1, begins: int = 0) -> MemberColumns:
    ids = [f"u{n}" for n in range(begins, begins + count)]
    return MemberColumns(ids, {"email": ["x" * size] * count})


def sizes(blocks: Sequence[MemberColumns], *, size: int) -> list[int]:
    return [len(changes_in(chunk)) for chunk in chunks_of(blocks, Operation.ADD, size=size)]


def ids_in(cut: Sequence[pb.ImportChunk]) -> list[str]:
    return [change.member.member_id for chunk in cut for change in changes_in(chunk)]


def only_change(columns: MemberColumns, operation: Operation = Operation.ADD) -> pb.Change:
    ((change,),) = (changes_in(chunk) for chunk in chunks_of([columns], operation, size=1))
    return change


def test_chunks_are_full_but_for_the_last_however_the_list_was_read() -> None:
    blocks = [block(7), block(1, begins=7), block(17, begins=8)]
    cut = list(chunks_of(blocks, Operation.ADD, size=10))
    assert [len(changes_in(chunk)) for chunk in cut] == [10, 10, 5]
    assert ids_in(cut) == [f"u{n}" for n in range(25)]


def test_a_last_full_chunk_is_not_followed_by_an_empty_one() -> None:
    assert sizes([block(10), block(10)], size=10) == [10, 10]


def test_nobody_is_no_chunk() -> None:
    assert sizes([], size=10) == sizes([MemberColumns([], {"email": []})], size=10) == []


def test_a_chunk_stays_below_its_bytes_and_an_over_large_member_goes_alone() -> None:
    assert sizes([block(5, size=CHUNK_BYTES_MAX)], size=100) == [1, 1, 1, 1, 1]
    for one_in in (2, 3, 7, 50):
        large = block(12, size=CHUNK_BYTES_MAX // one_in)
        cut = list(chunks_of([large], Operation.ADD, size=100))
        assert ids_in(cut) == large.member_ids
        of_bytes = [chunk.ByteSize() for chunk in cut]
        assert max(of_bytes) <= CHUNK_BYTES_MAX
        assert sum(of_bytes[:2]) > CHUNK_BYTES_MAX or len(of_bytes) == 1, "it is used"


@given(counts=st.lists(st.integers(0, 9), max_size=6), size=st.integers(1, 12))
def test_no_member_is_lost_or_out_of_order(counts: list[int], size: int) -> None:
    blocks = [block(n, begins=sum(counts[:at])) for at, n in enumerate(counts)]
    cut = list(chunks_of(blocks, Operation.ADD, size=size))
    assert ids_in(cut) == [f"u{n}" for n in range(sum(counts))]
    assert all(0 < len(changes_in(chunk)) <= size for chunk in cut)


def with_lists(*places: int, count: int) -> MemberColumns:
    emails = ["a@x.org;b@x.org" if n in places else "a@x.org" for n in range(count)]
    return MemberColumns([f"u{n}" for n in range(count)], {"email": emails})


@given(places=st.sets(st.integers(0, 29)), size=st.integers(1, 12), read_at_once=st.integers(1, 9))
def test_members_with_lists_keep_their_place_among_the_others(
    places: set[int], size: int, read_at_once: int
) -> None:
    whole = with_lists(*places, count=30)
    blocks = [whole[at : at + read_at_once] for at in range(0, 30, read_at_once)]
    cut = list(chunks_of(blocks, Operation.ADD, size=size))
    assert ids_in(cut) == whole.member_ids
    found = [len(change.member.emails) for chunk in cut for change in changes_in(chunk)]
    assert found == [2 if n in places else 1 for n in range(30)]
    assert not any(chunk.changes and chunk.HasField("members") for chunk in cut)


def test_members_without_lists_go_as_columns() -> None:
    blocks = [with_lists(count=5), with_lists(3, count=5), with_lists(count=5)]
    cut = list(chunks_of(blocks, Operation.ADD, size=100))
    assert [len(chunk.members.member_ids) for chunk in cut] == [5, 0]
    assert [len(chunk.changes) for chunk in cut] == [0, 10]


def test_who_enters_comes_with_values_and_who_leaves_with_the_id_alone() -> None:
    columns = MemberColumns(["u1"], {"email": ["a@x.org; ;b@x.org"], "zip_code": [" 1 "]})
    assert only_change(columns) == pb.Change(
        operation=pb.Change.OPERATION_ADD,
        member=pb.Member(member_id="u1", emails=["a@x.org", "b@x.org"], zip=" 1 "),
    )
    assert only_change(columns, Operation.REMOVE) == pb.Change(
        operation=pb.Change.OPERATION_REMOVE, member=pb.Member(member_id="u1")
    )


TEXTS = st.sampled_from(
    (
        *("", " ", " a@x.org", "a@x.org;b@x.org", ";", "a@x.org; ;", "+1 415 555 0123", "Ann"),
        *("6d92078a-8246-4ba4-ae5b-76104861e7dc", "1980-05-17", " 05/17/1980 ", "17", "1980"),
        *("f", "5", "US", "12345", "california", "x" * 600, "a\0b", "José"),
    )
)


@given(st.dictionaries(st.sampled_from(TRAIT_COLUMNS), TEXTS, max_size=8))
def test_a_member_means_what_its_traits_mean(traits: dict[str, str]) -> None:
    found = only_change(MemberColumns(["u1"], {name: [text] for name, text in traits.items()}))
    wanted = pb.Member(member_id="u1", traits=traits)
    facts = {"default_region": "US", "this_year": 2026}
    assert rows_of_member(found.member, **facts) == rows_of_member(wanted, **facts)  # type: ignore[arg-type]


def test_a_reason_of_a_newer_service_is_shown_by_its_number() -> None:
    assert reason_name(pb.DROP_REASON_NOT_A_UUID) == "not a uuid"
    assert reason_name(cast("pb.DropReason.ValueType", 99)) == "99"
