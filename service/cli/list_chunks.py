"""Makes the chunks of an import from the columns of a list."""

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

from service.cli.customer_list import MemberColumns
from service.identifiers.keys import STRONG_KEYS, Key
from service.identifiers.traits import LIST_SEPARATOR, TRAIT_NAMES

CHUNK_MEMBERS_MAX: Final = 10_000
"""Members in one chunk, the most that the service takes."""
CHUNK_BYTES_MAX: Final = 8 * 1024 * 1024
"""Bytes of members in one chunk; the service takes messages of 16 MiB."""
PIECE_BYTES_MAX: Final = CHUNK_BYTES_MAX // 8
"""Bytes of the members that go into a chunk, or not, together."""
TEXT_OVERHEAD_BYTES: Final = 8
"""Bytes that a text adds to a message beside its own, amply for all but very short lists in a cell."""

_FIELDS: Final[Mapping[Key, str]] = {
    Key.EMAIL: "emails",
    Key.PHONE: "phones",
    Key.MADID: "mobile_ad_ids",
    Key.FN: "first_name",
    Key.LN: "last_name",
    Key.GEN: "gender",
    Key.DOBY: "birth_year",
    Key.DOBM: "birth_month",
    Key.DOBD: "birth_day",
    Key.CT: "city",
    Key.ST: "state",
    Key.ZIP: "zip",
    Key.COUNTRY: "country",
}
"""The field of a member for each key."""


class Operation(enum.StrEnum):
    """What happened to the members of a list."""

    ADD = "add"
    REMOVE = "remove"


def chunks_of(
    blocks: Iterable[MemberColumns], operation: Operation, *, size: int
) -> Iterator[pb.ImportChunk]:
    """The members of a list, at most `size` and CHUNK_BYTES_MAX (and one member) a chunk.

    The offsets of the chunks are not set.
    """
    chunk, bytes_in_chunk = pb.ImportChunk(), 0
    for piece in (piece for block in blocks for piece in _pieces(block)):
        rest = piece
        while rest.member_ids:
            part = rest[: size - len(chunk.changes)]
            bytes_of_part = _bytes_of(part)
            if not chunk.changes or bytes_in_chunk + bytes_of_part <= CHUNK_BYTES_MAX:
                _put(chunk, part, operation)
                bytes_in_chunk += bytes_of_part
                rest = rest[len(part.member_ids) :]
                if len(chunk.changes) < size:
                    continue
            yield chunk
            chunk, bytes_in_chunk = pb.ImportChunk(), 0
    if chunk.changes:
        yield chunk


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


def _put(chunk: pb.ImportChunk, part: MemberColumns, operation: Operation) -> None:
    """Add the changes of these members; who leaves is named by the id alone."""
    is_add = operation is Operation.ADD
    kind = pb.Change.OPERATION_ADD if is_add else pb.Change.OPERATION_REMOVE
    add = chunk.changes.add
    members = [add(operation=kind).member for _ in part.member_ids]
    for member, member_id in zip(members, part.member_ids, strict=True):
        member.member_id = member_id
    if is_add:
        _put_traits(members, part.traits)


def _put_traits(members: Sequence[pb.Member], traits: Mapping[str, Sequence[str]]) -> None:
    """Fill the fields that the service reads fastest; what has to be merged it merges itself."""
    for key, names in TRAIT_NAMES.items():
        present = [name for name in names if name in traits]
        if len(present) > 1:
            for name in present:
                _put_trait(members, name, traits[name])
        elif present and key in STRONG_KEYS:
            _put_several(members, _FIELDS[key], traits[present[0]])
        elif present:
            _put_one(members, _FIELDS[key], traits[present[0]])


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
