"""Protobuf on the wire by hand: right tags with wrong contents, which no encoder would write."""

from collections.abc import Sequence
from typing import Final

from google.protobuf.descriptor import Descriptor
from hypothesis import strategies as st

VARINT, FIXED64, LEN, START, END, FIXED32 = range(6)

ODD_NUMBERS: Final = (99, 19_000, 2**29 - 1)
"""Field numbers of no message of ours; the second is reserved by protobuf itself."""

ODD_BYTES: Final = (
    b"\xed\xa0\x80",  # a lone surrogate
    b"\xed\xa0\x80\xed\xb0\x80",  # a pair of them, as some encoders write four-byte characters
    b"\xc0\x80",  # NUL in two bytes
    b"\xf8\x88\x80\x80\x80",  # five bytes
    b"\xf4\x90\x80\x80",  # behind the last character
    b"\xff\xfe\x00",
    b"\x80",
    b"a\x00b",
)


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def tag(number: int, wire_type: int) -> bytes:
    return varint(number << 3 | wire_type)


def lengthy(number: int, content: bytes) -> bytes:
    """A text, bytes or a message."""
    return tag(number, LEN) + varint(len(content)) + content


_VARINTS = st.sampled_from([0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1]).map(
    varint
) | st.sampled_from([b"\x80" * 10 + b"\x01", b"\xff" * 11, b"\x80"])


def any_wire(descriptor: Descriptor, *, depth: int = 3) -> st.SearchStrategy[bytes]:
    """Fields of the message, and some of none, each with any wire type."""
    numbers = [field.number for field in descriptor.fields]
    inner = {field.number: field.message_type for field in descriptor.fields if field.message_type}

    def contents(number: int) -> st.SearchStrategy[bytes]:
        loose = st.binary(max_size=12) | st.sampled_from(ODD_BYTES)
        return (any_wire(inner[number], depth=depth - 1) | loose) if _goes_in(number) else loose

    def _goes_in(number: int) -> bool:
        return depth > 0 and number in inner

    def field(number: int) -> st.SearchStrategy[bytes]:
        return st.one_of(
            contents(number).map(lambda content: lengthy(number, content)),
            _VARINTS.map(lambda value: tag(number, VARINT) + value),
            st.binary(min_size=8, max_size=8).map(lambda value: tag(number, FIXED64) + value),
            st.binary(min_size=4, max_size=4).map(lambda value: tag(number, FIXED32) + value),
            contents(number).map(lambda content: tag(number, START) + content + tag(number, END)),
            st.sampled_from([START, END, 6, 7]).map(lambda wire_type: tag(number, wire_type)),
            # A length that promises more than there is.
            st.sampled_from([5, 2**31, 2**63]).map(
                lambda length: tag(number, LEN) + varint(length) + b"ab"
            ),
        )

    fields = st.sampled_from([*numbers, *numbers, *ODD_NUMBERS]).flatmap(field)
    return st.lists(fields, max_size=5).map(b"".join)


@st.composite
def mutated(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """A right message with some bytes wrong, missing, doubled, or from elsewhere."""
    raw = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(raw)))
        piece = draw(st.binary(min_size=1, max_size=3) | st.sampled_from(ODD_BYTES))
        width = draw(st.integers(0, 8))
        match draw(st.sampled_from(["write", "insert", "cut", "double", "end", "splice"])):
            case "write":
                raw[at : at + len(piece)] = piece
            case "insert":
                raw[at:at] = piece
            case "cut":
                del raw[at : at + width]
            case "double":
                raw[at:at] = raw[at : at + width]
            case "end":
                del raw[at:]
            case "splice":
                raw[at:] = draw(st.sampled_from(seeds))
    return bytes(raw)
