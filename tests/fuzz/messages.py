"""Messages of any request type, made from its descriptor: right types, odd values."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

MARK: Final = "Zq7x@"
"""In every text that a caller might not want to see again: no answer or log line may hold it."""

Known: TypeAlias = Mapping[str, Sequence[str]]
"""Texts that the server takes for something, by the name of their field."""

ODD_TEXTS: Final = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\u202eright to left\u202c",
    "שלום",
    "e" + "\u0301" * 60,
    "👨‍👩‍👧‍👦",
    "\U0010ffff\uffff\ufdd0",
    "line\nbreak\r\n\u2028\x85",
    "\x1b[31mred\x1b[0m\x07",
    "\ufeffbom",
    "İıßﬃ",
    "٣٤²",
    "%s%n{0}${x}",
    "'; drop table audience; --",
    "../../etc/passwd",
    "a" * 513,
    "ä" * 200,
)
UNMARKED: Final = frozenset({"request_id", "sync_id", "page_token", "ad_account_id"})
"""Names of things, not of people: errors may tell them. Marked ones have no shape of theirs."""

ODD_INTS: Final = (
    *(0, 1, -1, 2, 100, 299, 300, 3_600, 10**9 - 1, 10**9, 2**31 - 1, -(2**31)),
    *(604_800, 604_801, 315_576_000_000, 315_576_000_001, 253_402_300_799, 253_402_300_800),
    *(-62_135_596_800, -62_135_596_801, 2**53, 2**63 - 1, -(2**63), 2**64 - 1),
)
USUAL_INTS: Final = (0, 1, 300, 3_600)
_BITS: Final = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_ENUM: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
_FLOATS: Final = (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE)


def texts_of(name: str, known: Known) -> st.SearchStrategy[str]:
    """Values of a text field."""
    odd = st.sampled_from(ODD_TEXTS) | st.text(max_size=12)
    marked = odd if name in UNMARKED else odd.map(lambda text: MARK + text)
    usable = st.sampled_from([*known.get(name, ()), "", *_plausible(name)])
    return usable | usable | marked


def _plausible(name: str) -> list[str]:
    return [] if name in UNMARKED or name == "audience_id" else [MARK + "mail.example"]


def ints_of(field: FieldDescriptor) -> st.SearchStrategy[int]:
    """Values of a number or an enum, the right ones of an enum included."""
    low, high = _BITS[field.cpp_type]
    odd = st.sampled_from([number for number in ODD_INTS if low <= number <= high])
    right = [value.number for value in field.enum_type.values] if field.enum_type else USUAL_INTS
    return st.sampled_from(right) | st.sampled_from(right) | odd


@st.composite
def any_message(draw: st.DrawFn, descriptor: Descriptor, known: Known) -> Any:
    """A message whose fields are there or not, right or odd."""
    message = message_factory.GetMessageClass(descriptor)()
    for field in descriptor.fields:
        if draw(st.integers(0, 3)):
            _fill(draw, message, field, known)
    return message


def _fill(draw: st.DrawFn, message: Message, field: FieldDescriptor, known: Known) -> None:
    value = getattr(message, field.name)
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        key, content = entry.fields
        pairs = st.dictionaries(_scalar(key, known), _scalar(content, known), max_size=4)
        value.update(draw(pairs))
    elif field.is_repeated and entry is not None:
        value.extend(draw(st.lists(any_message(entry, known), max_size=4)))
    elif field.is_repeated:
        value.extend(draw(st.lists(_scalar(field, known), max_size=4)))
    elif entry is not None:
        value.CopyFrom(draw(any_message(entry, known)))
        value.SetInParent()
    else:
        setattr(message, field.name, draw(_scalar(field, known)))


def _scalar(field: FieldDescriptor, known: Known) -> st.SearchStrategy[Any]:
    if field.type == FieldDescriptor.TYPE_STRING:
        return texts_of(field.name, known)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.binary(max_size=12)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return st.booleans()
    if field.cpp_type in _FLOATS:
        return st.floats(width=32)
    return ints_of(field)


def right_message(method: MethodDescriptor, known: Known, *, pick: int = 0) -> Message:
    """A request that is done as far as names of fields tell how; `pick` chooses among variants."""
    if method.name == "ConnectAudience":
        known = {**known, "audience_id": (f"newcomer-{pick}",)}
    if method.name == "ImportMembership":
        known = {**known, "import_id": (f"import-{pick}",)}
    return _right(method.input_type, known, pick)


def _right(descriptor: Descriptor, known: Known, pick: int) -> Message:
    message = message_factory.GetMessageClass(descriptor)()
    for field in descriptor.fields:
        value = getattr(message, field.name)
        alternatives = field.containing_oneof
        if alternatives is not None and field != alternatives.fields[0]:
            continue  # the first one is what a stream begins with
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            value["favouriteColour"] = "red"
        elif field.message_type is not None and field.is_repeated:
            value.append(_right(field.message_type, known, pick))
        elif field.message_type is not None:
            value.CopyFrom(_right_time(field) or _right(field.message_type, known, pick))
        elif field.enum_type is not None:
            numbers = [one.number for one in field.enum_type.values]
            right = numbers[1 + pick % (len(numbers) - 1)]
            if field.is_repeated:
                value.append(right)
            else:
                setattr(message, field.name, right)
        elif field.name in known and field.is_repeated:
            value.append(known[field.name][pick % len(known[field.name])])
        elif field.name in known:
            setattr(message, field.name, known[field.name][0])
    return message


def _right_time(field: Any) -> Message | None:
    if field.message_type.full_name not in (
        "google.protobuf.Duration",
        "google.protobuf.Timestamp",
    ):
        return None
    made: Any = message_factory.GetMessageClass(field.message_type)()
    made.seconds = 600
    return cast("Message", made)


def with_one_odd_value(right: Message) -> Iterator[Message]:
    """The message again and again, each time with another value of one of its fields, at any depth."""
    odd = type(right)()
    odd.CopyFrom(right)
    for _ in _oddities(odd):
        yield odd


def _oddities(message: Message) -> Iterator[None]:
    """Change one thing, let the caller look, and put it back."""
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            yield from _odd_entries(value)
        elif field.message_type is not None and field.is_repeated:
            for one in value:
                yield from _oddities(one)
        elif field.message_type is not None:
            yield from _oddities(value)
        elif field.is_repeated:
            yield from _odd_items(value, _odd_values(field) if field.enum_type else _odd_texts())
        else:
            for odd in _odd_values(field):
                setattr(message, field.name, odd)
                yield
            setattr(message, field.name, value)


def _odd_items(items: Any, oddities: Iterable[object]) -> Iterator[None]:
    for odd in oddities:
        items.append(odd)
        yield
        items.pop()


def _odd_entries(entries: Any) -> Iterator[None]:
    """Odd names, and odd values under names that are known."""
    for odd in _odd_texts():
        for name, text in ((odd, "red"), ("email", odd), ("birthday", odd)):
            entries[name] = text
            yield
            del entries[name]


def _odd_values(field: Any) -> Sequence[Any]:
    if field.type == FieldDescriptor.TYPE_STRING:
        return _odd_texts()
    if field.cpp_type in _BITS:
        low, high = _BITS[field.cpp_type]
        return [number for number in ODD_INTS if low <= number <= high]
    return ()


def _odd_texts() -> Sequence[str]:
    return [text if n % 2 else f"{MARK}{text}@{text}.x" for n, text in enumerate(ODD_TEXTS)]
