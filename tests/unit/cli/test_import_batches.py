"""How a list is cut into calls."""

from typing import cast

from audiencesync.v1 import audience_sync_pb2 as pb

from service.cli.customer_list import ListedMember
from service.cli.import_list import BATCH_BYTES_MAX, Operation, batches, change_of, reason_name


def members(count: int, size: int = 1) -> list[ListedMember]:
    return [ListedMember(f"u{i}", {"email": "x" * size}) for i in range(count)]


def test_batches_are_full_but_for_the_last() -> None:
    cut = list(batches(members(25), Operation.ADD, size=10))
    assert [len(batch) for batch in cut] == [10, 10, 5]
    assert [change.member.member_id for batch in cut for change in batch] == [
        f"u{i}" for i in range(25)
    ]


def test_nobody_is_no_batch() -> None:
    assert list(batches([], Operation.ADD, size=10)) == []


def test_a_batch_stays_below_its_bytes_and_an_over_large_member_goes_alone() -> None:
    cut = list(batches(members(5, size=BATCH_BYTES_MAX // 2), Operation.ADD, size=100))
    assert [len(batch) for batch in cut] == [1, 1, 1, 1, 1]
    cut = list(batches(members(5, size=BATCH_BYTES_MAX // 3), Operation.ADD, size=100))
    assert [len(batch) for batch in cut] == [2, 2, 1]


def test_who_enters_comes_with_traits_and_who_leaves_with_the_id_alone() -> None:
    listed = ListedMember("u1", {"email": "a@x.org;b@x.org"})
    added = change_of(listed, Operation.ADD)
    assert added.operation == pb.Change.OPERATION_ADD
    assert dict(added.member.traits) == {"email": "a@x.org;b@x.org"}
    removed = change_of(listed, Operation.REMOVE)
    assert removed == pb.Change(
        operation=pb.Change.OPERATION_REMOVE, member=pb.Member(member_id="u1")
    )


def test_a_reason_of_a_newer_service_is_shown_by_its_number() -> None:
    assert reason_name(pb.DROP_REASON_NOT_A_UUID) == "not a uuid"
    assert reason_name(cast("pb.DropReason.ValueType", 99)) == "99"
