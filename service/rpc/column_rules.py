"""Holds columns against the rules of the contract: the validator would ask a rule of each text. Pure."""

from collections.abc import Sequence
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb
from buf.validate import validate_pb2

from service.rpc.errors import FieldViolation
from service.rpc.member_columns import FIELDS

_IDS: Final = "member_ids"
_OPERATIONS: Final = frozenset({pb.Change.OPERATION_ADD, pb.Change.OPERATION_REMOVE})
_RULES: Final = (
    pb.MemberColumns.DESCRIPTOR.fields_by_name[_IDS]
    .GetOptions()
    .Extensions[validate_pb2.field]
    .repeated
)
MEMBERS_MAX: Final = _RULES.max_items
MEMBER_ID_BYTES_MAX: Final = _RULES.items.string.max_bytes
BYTES_OF_A_CHARACTER_MAX: Final = 4
"""Of UTF-8."""


def column_violations(columns: pb.MemberColumns, *, most: int) -> list[FieldViolation]:
    """What is wrong with columns, at most so many violations; their fields as seen from within."""
    found = [
        *_operation_violations(columns),
        *_length_violations(columns),
        *_id_violations(columns.member_ids[: MEMBERS_MAX + 1], most),
    ]
    return found[:most]


def _operation_violations(columns: pb.MemberColumns) -> list[FieldViolation]:
    if columns.operation in _OPERATIONS:
        return []
    return [FieldViolation("operation", "must be OPERATION_ADD or OPERATION_REMOVE")]


def _length_violations(columns: pb.MemberColumns) -> list[FieldViolation]:
    count = len(columns.member_ids)
    if not 0 < count <= MEMBERS_MAX:
        return [FieldViolation(_IDS, f"must be 1 to {MEMBERS_MAX} member ids")]
    lengths = {name: len(getattr(columns, name)) for name in FIELDS.values()}
    return [
        FieldViolation(name, f"must have a text for each of the {count} member_ids, or none at all")
        for name, length in lengths.items()
        if length not in {0, count}
    ]


def _id_violations(ids: Sequence[str], most: int) -> list[FieldViolation]:
    surely_short = MEMBER_ID_BYTES_MAX // BYTES_OF_A_CHARACTER_MAX
    if all(ids) and max(map(len, ids), default=0) <= surely_short:
        return []
    wrong = [
        index for index, one in enumerate(ids) if not 0 < len(one.encode()) <= MEMBER_ID_BYTES_MAX
    ]
    text = f"must be 1 to {MEMBER_ID_BYTES_MAX} bytes"
    return [FieldViolation(f"{_IDS}[{index}]", text) for index in wrong[:most]]
