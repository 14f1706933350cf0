"""How the columns of a list become chunks: whole, in order, bounded, and with the same meaning."""

from collections.abc import Sequence
from typing import cast

from audiencesync.v1 import audience_sync_pb2 as pb
from hypothesis import given
from hypothesis import strategies as st

from service.cli.customer_list import TRAIT_COLUMNS, MemberColumns
from service.cli.import_list import reason_name
from service.cli.list_chunks import CHUNK_BYTES_MAX, Operation, chunks_of
from service.identifiers import rows_of_member


def block(count: int, *, size: int = 1, begins: int = 0) -> MemberColumns:
    ids = [f"u{n}" for n in range(begins, begins + count)]
    return MemberColumns(ids, {"email": ["x" * size] * count})


def sizes(blocks: Sequence[MemberColumns], *, size: int) -> list[int]:
    return [len(chunk.changes) for chunk in chunks_of(blocks, Operation.ADD, size=size)]


def ids_in(cut: Sequence[pb.ImportChunk]) -> list[str]:
    return [change.member.member_id for chunk in cut for change in chunk.changes]


def only_change(columns: MemberColumns, operation: Operation = Operation.ADD) -> pb.Change:
    ((change,),) = (chunk.changes for chunk in chunks_of([columns], operation, size=1))
    return change


def test_chunks_are_full_but_for_the_last_however_the_list_was_read() -> None:
    blocks = [block(7), block(1, begins=7), block(17, begins=8)]
    cut = list(chunks_of(blocks, Operation.ADD, size=10))
    assert [len(chunk.changes) for chunk in cut] == [10, 10, 5]
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
    assert all(0 < len(chunk.changes) <= size for chunk in cut)


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
