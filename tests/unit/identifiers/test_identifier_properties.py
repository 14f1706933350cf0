"""What holds for any text, any values and any rows."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from service.identifiers import (
    STRONG_KEYS,
    DropReason,
    Key,
    RawMember,
    normalize,
    pack_row,
    row_mask,
    rows_of_member,
    split_rows,
    strong_identifiers,
    unpack_row,
    value_of,
)

_HASH_OF_NOTHING = hashlib.sha256(b"").digest()

_ANY_CHARACTER = st.characters(exclude_categories=())
_ANY_TEXT = st.text(_ANY_CHARACTER, max_size=40)
_PHONES = st.from_regex(
    r"(\+|00|\(0\)|1|8)?[0-9()./ -]{5,16}( ?(x|ext) ?[0-9]{1,4})?", fullmatch=True
)
_EMAILS = st.builds(
    "{}@{}.{}".format, *[st.text(_ANY_CHARACTER, min_size=1, max_size=8)] * 2, st.just("com")
)
_DATES = st.one_of(
    st.dates().map(str), st.from_regex(r"[0-9]{1,2}[/.][0-9]{1,2}[/.][0-9]{4}", fullmatch=True)
)
_WORDS = st.sampled_from(
    ["Male", "May", "7", "1990", "New York", "Germany", "94105-1234", "aB" * 32, "n/a", "US"]
)
_DEVICES = st.uuids().map(str)
_TEXTS = st.one_of(_ANY_TEXT, _PHONES, _EMAILS, _DATES, _WORDS, _DEVICES)
_REGIONS = st.sampled_from(["US", "DE", "GB", "IT", "RU", "JP", "BR", "HU", "AQ"])
_KEYS = st.sampled_from(Key)
_TRAITS = st.dictionaries(st.sampled_from(["emails", "idfa", "DOB", "zip", "?"]), _TEXTS)
_MEMBERS = st.builds(
    RawMember,
    emails=st.lists(_EMAILS | _TEXTS, max_size=4),
    phones=st.lists(_PHONES | _TEXTS, max_size=4),
    mobile_ad_ids=st.lists(_DEVICES | _TEXTS, max_size=4),
    first_name=_TEXTS,
    last_name=_TEXTS,
    gender=_TEXTS,
    birth_year=_TEXTS,
    birth_month=_TEXTS,
    birth_day=_DATES | _TEXTS,
    city=_TEXTS,
    state=_TEXTS,
    zip=_TEXTS,
    country=_TEXTS,
    traits=_TRAITS,
)


def _values_for(key: Key) -> st.SearchStrategy[bytes]:
    size = 16 if key is Key.MADID else 32
    return st.binary(min_size=size, max_size=size)


_VALUES = st.fixed_dictionaries({}, optional={key: _values_for(key) for key in Key})


@given(_KEYS, _TEXTS, _REGIONS)
def test_normalising_twice_is_normalising_once(key: Key, raw: str, region: str) -> None:
    once = normalize(key, raw, region=region, this_year=2026)
    if isinstance(once, DropReason) or not once:
        return
    again = f"+{once}" if key is Key.PHONE else once
    assert normalize(key, again, region=region, this_year=2026) == once


@given(_PHONES, _REGIONS)
def test_a_normalised_phone_with_a_plus_stays_itself(raw: str, region: str) -> None:
    once = normalize(Key.PHONE, raw, region=region, this_year=2026)
    if isinstance(once, str) and once:
        assert normalize(Key.PHONE, f"+{once}", region="US", this_year=2026) == once


@given(_KEYS, _TEXTS, _REGIONS)
def test_a_value_is_a_hash_of_something_or_a_device(key: Key, raw: str, region: str) -> None:
    value = value_of(key, raw, region=region, this_year=2026)
    if isinstance(value, bytes):
        assert len(value) == (16 if key is Key.MADID else 32)
        assert value != _HASH_OF_NOTHING
    if not raw.strip():
        assert value is None


@given(_MEMBERS, _REGIONS)
def test_rows_of_any_member_are_sorted_distinct_and_strong(member: RawMember, region: str) -> None:
    rows = rows_of_member(member, default_region=region, this_year=2026).rows
    assert list(rows) == sorted(set(rows))
    for row in rows:
        assert strong_identifiers(row)
        assert _HASH_OF_NOTHING not in unpack_row(row).values()


@given(_MEMBERS)
def test_the_rows_of_a_member_carry_the_same_weak_values(member: RawMember) -> None:
    rows = rows_of_member(member, default_region="US", this_year=2026).rows
    weak = [
        {key: value for key, value in unpack_row(row).items() if key not in STRONG_KEYS}
        for row in rows
    ]
    assert all(values == weak[0] for values in weak)


@given(_VALUES)
def test_unpacking_gives_what_was_packed(values: dict[Key, bytes]) -> None:
    row = pack_row(values)
    assert unpack_row(row) == values
    assert row_mask(row) == sum(1 << key for key in values)


@given(st.lists(_VALUES, max_size=6))
def test_splitting_a_chunk_gives_its_rows(many: list[dict[Key, bytes]]) -> None:
    rows = [pack_row(values) for values in many]
    assert split_rows(b"".join(rows)) == rows
