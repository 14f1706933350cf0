"""Makes the chunks of an import from the columns of a list."""

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

from service.cli.customer_list import MemberColumns
from service.identifiers.keys import STRONG_KEYS
from service.identifiers.traits import LIST_SEPARATOR, TRAIT_NAMES
from service.rpc.member_columns import FIELDS, MEMBER_FIELDS

CHUNK_MEMBERS_MAX: Final = 10_000
"""Members in one chunk, the most that the service takes."""
CHUNK_BYTES_MAX: Final = 8 * 1024 * 1024
"""Bytes of members in one chunk; the service takes messages of 16 MiB."""
PIECE_BYTES_MAX: Final = CHUNK_BYTES_MAX // 8
"""Bytes of the members that go into a chunk, or not, together."""
TEXT_OVERHEAD_BYTES: Final = 8
"""Bytes that a text adds to a message beside its own, amply for all but very short lists in a cell."""


class Operation(enum.StrEnum):
    """What happened to the members of a list."""

    ADD = "add"
    REMOVE = "remove"


_KINDS: Final = {
    Operation.ADD: pb.Change.OPERATION_ADD,
    Operation.REMOVE: pb.Change.OPERATION_REMOVE,
}


def chunks_of(
    blocks: Iterable[MemberColumns], operation: Operation, *, size: int
) -> Iterator[pb.ImportChunk]:
    """The members of a list, at most `size` and CHUNK_BYTES_MAX (and one member) a chunk.

    The offsets of the chunks are not set.
    """
    filling = _Filling(operation, size)
    for piece in (piece for block in blocks for piece in _pieces(block)):
        rest = piece
        while rest.member_ids:
            taken = filling.take(rest)
            rest = rest[taken:]
            if not taken:
                yield filling.chunk
                filling = _Filling(operation, size)
    if filling.count:
        yield filling.chunk


class _Filling:
    """A chunk that is being filled: with columns, or with changes from a member with lists on."""

    def __init__(self, operation: Operation, size: int) -> None:
        self.chunk = pb.ImportChunk()
        self.count = 0
        self._operation = operation
        self._size = size
        self._bytes = 0

    def take(self, piece: MemberColumns) -> int:
        """Take members from the start of a piece; none if there is no room, or they need changes."""
        part = piece[: self._size - self.count]
        bytes_of_part = _bytes_of(part)
        is_plain = self._operation is Operation.REMOVE or _has_no_lists(part)
        if self.count:
            is_full = self._bytes + bytes_of_part > CHUNK_BYTES_MAX
            if is_full or (self.chunk.HasField("members") and not is_plain):
                return 0
        if is_plain and not self.chunk.changes:
            _put_columns(self.chunk.members, part, self._operation)
        else:
            _put(self.chunk, part)
        self._bytes += bytes_of_part
        self.count += len(part.member_ids)
        return len(part.member_ids)


def _has_no_lists(part: MemberColumns) -> bool:
    """Whether each member has at most one text of each key."""
    for key, names in TRAIT_NAMES.items():
        present = [part.traits[name] for name in names if name in part.traits]
        if len(present) > 1:
            return False
        if key in STRONG_KEYS and any(LIST_SEPARATOR in "".join(texts) for texts in present):
            return False
    return True


def _put_columns(columns: pb.MemberColumns, part: MemberColumns, operation: Operation) -> None:
    """Add these members; who leaves is named by the id alone."""
    columns.operation = _KINDS[operation]
    columns.member_ids.extend(part.member_ids)
    if operation is Operation.ADD:
        for key, names in TRAIT_NAMES.items():
            for name in names:
                if name in part.traits:
                    getattr(columns, FIELDS[key]).extend(part.traits[name])


def _pieces(block: MemberColumns) -> Iterator[MemberColumns]:
    """The same members, halved until each piece is small or one member."""
    count = len(block.member_ids)
    if count <= 1 or _bytes_of(block) <= PIECE_BYTES_MAX:
        yield block
    else:
        yield from _pieces(block[: count // 2])
        yield from _pieces(block[count // 2 :])


def _bytes_of(part: MemberColumns) -> int:
    columns = (part.member_ids, *part.traits.values())
    texts = sum(len("".join(column).encode()) for column in columns)
    return texts + TEXT_OVERHEAD_BYTES * len(columns) * len(part.member_ids)


def _put(chunk: pb.ImportChunk, part: MemberColumns) -> None:
    """Add changes by which these members enter."""
    add = chunk.changes.add
    members = [add(operation=pb.Change.OPERATION_ADD).member for _ in part.member_ids]
    for member, member_id in zip(members, part.member_ids, strict=True):
        member.member_id = member_id
    _put_traits(members, part.traits)


def _put_traits(members: Sequence[pb.Member], traits: Mapping[str, Sequence[str]]) -> None:
    """Fill the fields that the service reads fastest; what has to be merged it merges itself."""
    for key, names in TRAIT_NAMES.items():
        present = [name for name in names if name in traits]
        if len(present) > 1:
            for name in present:
                _put_trait(members, name, traits[name])
        elif present and key in STRONG_KEYS:
            _put_several(members, MEMBER_FIELDS[key], traits[present[0]])
        elif present:
            _put_one(members, MEMBER_FIELDS[key], traits[present[0]])


def _put_trait(members: Sequence[pb.Member], name: str, texts: Sequence[str]) -> None:
    for member, text in zip(members, texts, strict=True):
        if text and not text.isspace():
            member.traits[name] = text


def _put_one(members: Sequence[pb.Member], field: str, texts: Sequence[str]) -> None:
    for member, text in zip(members, texts, strict=True):
        if text:
            setattr(member, field, text)


def _put_several(members: Sequence[pb.Member], field: str, texts: Sequence[str]) -> None:
    for member, text in zip(members, texts, strict=True):
        if LIST_SEPARATOR in text:
            parts = [part for part in text.split(LIST_SEPARATOR) if part.strip()]
            getattr(member, field).extend(parts)
        elif text and not text.isspace():
            getattr(member, field).append(text)
