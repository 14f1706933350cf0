"""Holds requests against the rules of the contract, long ones in slices."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, TypeAlias

import protovalidate
from audiencesync.v1 import audience_sync_pb2 as pb
from buf.validate import validate_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from service.rpc.call_log import notes
from service.rpc.calls import AtMessages, Decode
from service.rpc.column_rules import column_violations
from service.rpc.errors import FieldViolation, InvalidField
from service.rpc.slices import Slices

VIOLATIONS_MAX: Final = 20
"""Violations told in one answer: an answer's metadata is bounded (8 KiB by default)."""

_Bulk: TypeAlias = pb.UpdateMembershipRequest | pb.ImportChunk
_BULK: Final = "changes"
_COLUMNS: Final = "members"
_BULK_MAX: Final = (
    pb.UpdateMembershipRequest.DESCRIPTOR.fields_by_name[_BULK]
    .GetOptions()
    .Extensions[validate_pb2.field]
    .repeated.max_items
)

_OPERATIONS: Final = frozenset({pb.Change.OPERATION_ADD, pb.Change.OPERATION_REMOVE})
_MEMBER_FIELDS: Final = pb.Member.DESCRIPTOR.fields_by_name
_SURELY_SHORT: Final = (
    _MEMBER_FIELDS["member_id"].GetOptions().Extensions[validate_pb2.field].string.max_bytes // 4
)
"""Characters of which UTF-8 makes no more bytes than a member id may have."""
_TRAITS_MAX: Final = (
    _MEMBER_FIELDS["traits"].GetOptions().Extensions[validate_pb2.field].map.max_pairs
)

_HEAD_FIELDS: Final = pb.UpdateMembershipRequest.DESCRIPTOR.fields_by_name
_SLUG: Final = re.compile(
    _HEAD_FIELDS["audience_id"].GetOptions().Extensions[validate_pb2.field].string.pattern
)
_REQUEST_ID_BYTES_MAX: Final = (
    _HEAD_FIELDS["request_id"].GetOptions().Extensions[validate_pb2.field].string.max_bytes
)

_FIELD_OF_MESSAGE_RULE: Final = {"app_secret_needs_app_id": "app_id"}
"""The field to blame where a rule is about the whole message."""


class ValidateRequests(AtMessages):
    """Refuses requests that break a rule, naming every field that does."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._validator = ready_validator()

    async def let_in(self, request: Any, _decode: Decode | None, /) -> Any:
        """Let only what keeps the rules through. Raises: InvalidField."""
        violations = await self.violations(request)
        if violations:
            raise InvalidField(violations=violations)
        # Only now: what is no slug may be anything, an e-mail too.
        seen = notes()
        seen.audience_id = getattr(request, "audience_id", seen.audience_id)
        seen.ad_account_id = getattr(request, "ad_account_id", seen.ad_account_id)
        return request

    async def violations(self, request: Message) -> list[FieldViolation]:
        """What is wrong with a request, at most VIOLATIONS_MAX violations."""
        if isinstance(request, pb.UpdateMembershipRequest) and head_keeps_rules(request):
            return (await self._change_violations(request.changes, _BULK))[:VIOLATIONS_MAX]
        part = getattr(request, "chunk", request)
        if isinstance(part, pb.ImportChunk) and part.HasField("members"):
            return self._column_violations(part)
        if isinstance(part, pb.UpdateMembershipRequest | pb.ImportChunk) and part.changes:
            found = await self._bulk_violations(part, "" if part is request else "chunk.")
        else:
            found = self._check(request)
        return (found + _unstorable(request))[:VIOLATIONS_MAX]

    def _column_violations(self, part: pb.ImportChunk) -> list[FieldViolation]:
        head = self._check(_without(part, _BULK, _COLUMNS), under="chunk.")
        under = f"chunk.{_COLUMNS}."
        most = VIOLATIONS_MAX - len(head)
        inner = column_violations(part.members, most=most)
        return head + [FieldViolation(under + one.field, one.description) for one in inner]

    async def _bulk_violations(self, part: _Bulk, under: str) -> list[FieldViolation]:
        """Validate the message without its list, then item by item, giving the loop away between."""
        bulk = under + _BULK
        head = self._check(_without(part, _BULK), under=under)
        found = [one for one in head if one.field != bulk]
        if len(part.changes) > _BULK_MAX:
            return [*found, FieldViolation(bulk, f"must be at most {_BULK_MAX} changes")]
        return found + await self._change_violations(part.changes, bulk)

    async def _change_violations(
        self, changes: Sequence[pb.Change], bulk: str
    ) -> list[FieldViolation]:
        found: list[FieldViolation] = []
        slices = Slices(self._monotonic)
        for index, change in enumerate(changes):
            if slices.is_used_up():
                await slices.give_way()
            if keeps_rules(change):
                continue
            found += self._check(change, under=f"{bulk}[{index}].")
            if len(found) >= VIOLATIONS_MAX:
                break
        return found

    def _check(self, message: Message, *, under: str = "") -> list[FieldViolation]:
        return [
            FieldViolation(under + _path(violation.proto), violation.proto.message)
            for violation in self._validator.collect_violations(message)
        ]


@cache
def ready_validator() -> protovalidate.Validator:
    """One that has seen each kind of request: the first costs ten milliseconds of the loop, the rest little."""
    validator = protovalidate.Validator()
    for method in pb.DESCRIPTOR.services_by_name["AudienceSyncService"].methods:
        validator.collect_violations(GetMessageClass(method.input_type)())
    return validator


def head_keeps_rules(request: pb.UpdateMembershipRequest) -> bool:
    """Whether a request, its changes apart, surely keeps the rules and can be stored. Quick."""
    request_id = request.request_id
    return (
        0 < len(request.changes) <= _BULK_MAX
        and _SLUG.fullmatch(request.audience_id) is not None
        and len(request_id.encode()) <= _REQUEST_ID_BYTES_MAX
        and "\0" not in request_id
    )


def keeps_rules(change: pb.Change) -> bool:
    """Whether a change surely keeps the rules; of any other the validator has to say. Quick."""
    if change.operation not in _OPERATIONS:
        return False
    member = change.member
    return 0 < len(member.member_id) <= _SURELY_SHORT and len(member.traits) <= _TRAITS_MAX


def _without(part: _Bulk, *left_out: str) -> _Bulk:
    """A copy without some fields; what the contract comes to add is copied too."""
    names = [field.name for field in part.DESCRIPTOR.fields if field.name not in left_out]
    head = type(part)()
    FieldMask(paths=names).MergeMessage(part, head)
    return head


def _path(violation: protovalidate.ViolationPb) -> str:
    """The path of a field as BadRequest writes it."""
    if violation.field is None:
        return _FIELD_OF_MESSAGE_RULE.get(violation.rule_id, "")
    parts = []
    for element in violation.field.elements:
        at = element.subscript
        index = f"[{at.value}]" if at is not None and at.field == "index" else ""
        parts.append(f"{element.field_name}{index}")
    return ".".join(parts)


def _unstorable(request: Message) -> list[FieldViolation]:
    """Texts of the request itself, or of its header, that Postgres cannot hold."""
    if isinstance(request, pb.ImportMembershipRequest):
        request, under = request.header, "header."
    else:
        under = ""
    return [
        FieldViolation(under + field.name, "must not contain the NUL character")
        for field, value in request.ListFields()
        if field.type == FieldDescriptor.TYPE_STRING and "\x00" in value
    ]
