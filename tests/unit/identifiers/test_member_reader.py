"""A reader of many members against the reading of each by itself."""

import gc
import random
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.identifiers import DropReason, Key, RawMember, rows_of_member, text_memory
from service.identifiers.column_values import ColumnValues
from service.identifiers.hashing import HASH_OF_NOTHING
from service.identifiers.member_reader import MemberReader
from service.identifiers.text_memory import REMEMBERED_CHARACTERS_MAX, TextMemory
from tests.unit.identifiers.phone_texts import phone_text

_NEAR_EMAILS = st.text("aB.@+ \t\x1c\x00é\ud800", max_size=12) | st.builds(
    "{}{}@{}.{}".format,
    st.sampled_from(["", " ", "x" * 60]),
    *[st.text("aB.@ ", max_size=4)] * 2,
    st.sampled_from(["com", "co.uk", "com ", "", "c@m"]),
)
_PHONES = st.randoms(use_true_random=False).map(lambda chance: phone_text(chance)[0])
_DEVICES = st.uuids().map(str) | st.sampled_from(["x", "00000000-0000-0000-0000-000000000000"])
_HASHED = st.sampled_from(["aB" * 32, f" {'0f' * 32}", "-" + "a" * 64])
NOTHING_HASHED = HASH_OF_NOTHING.hex()
_WORDS = st.sampled_from(
    [
        "", "", "", " ", "Mary", "mary ", "O'Brien", "Zoë", "😀", "123", "New York", "ny",
        "94105",
        "94105-1234", "1234", "SW1A 1AA", "US", "us", "Germany", "Atlantis", "f", "Female", "?",
        "1990", "2030", "7", "May", "13", "31", "1990-02-03", "02/30/1990", "n" * 64, "é" * 257,
    ]
) | _HASHED  # fmt: skip
_TRAITS = st.dictionaries(
    st.sampled_from(
        [
            "email", "emails", "phone", "idfa", "firstName", "last", "gender", "birth_year",
            "birth_day", "DOB", "city", "zip", "zip_code", "country", "countryCode", "?", "??",
        ]
    ),
    _NEAR_EMAILS | _PHONES | _WORDS | st.sampled_from(["a@x.com", "a@x.com;b@x.com", " ; "]),
    max_size=5,
)  # fmt: skip
_MEMBERS = st.builds(
    RawMember,
    emails=st.lists(_NEAR_EMAILS | _HASHED, max_size=2),
    phones=st.lists(_PHONES | _HASHED, max_size=2),
    mobile_ad_ids=st.lists(_DEVICES, max_size=2),
    first_name=_WORDS,
    last_name=_WORDS,
    gender=_WORDS,
    birth_year=_WORDS,
    birth_month=_WORDS,
    birth_day=_WORDS,
    city=_WORDS,
    state=_WORDS,
    zip=_WORDS,
    country=_WORDS,
    traits=st.just({}) | _TRAITS,
)


def _reader(region: str = "US") -> MemberReader:
    return MemberReader(ColumnValues(default_region=region, this_year=2026))


@given(st.lists(_MEMBERS, max_size=8), st.sampled_from(["US", "DE", "AQ"]))
def test_members_read_together_are_read_as_each_alone(
    members: list[RawMember], region: str
) -> None:
    alone = [rows_of_member(one, default_region=region, this_year=2026) for one in members]
    reader = _reader(region)
    # Twice, because what the first reading leaves behind must not change the second.
    for _ in range(2):
        assert reader.rows_of(members) == [found.rows for found in alone]
    dropped: Counter[tuple[Key, DropReason]] = Counter()
    for found in alone * 2:
        dropped.update(found.dropped)
    assert reader.dropped == dropped
    assert reader.unknown_traits == 2 * sum(found.unknown_traits for found in alone)


@example(["a@x.com\na@x.com", "b@x.com"])
@example(
    [f"{'n' * 150}@{'.'.join(['d' * 60] * 5)}", f" {'n' * 151}@x.com", "a@x..com", "a@x_y.com"]
)
@example([" ", "a@x.com b@x.com"])  # as many words as texts, but not one each
@example(["a@b@c.com", "x.com"])
@given(st.lists(_NEAR_EMAILS, min_size=1, max_size=8))
def test_an_address_that_is_read_quickly_is_judged_as_by_its_rule(emails: list[str]) -> None:
    members = [RawMember(emails=[email]) for email in emails]
    alone = [rows_of_member(one, default_region="US", this_year=2026).rows for one in members]
    assert _reader().rows_of(members) == alone


@example([NOTHING_HASHED, "0f" * 32])
@example([f" {'0F' * 32} ", "0f" * 32])
@example(["0f" * 32 + "\n" + "0f" * 32, "a" * 64])
@example(["a" * 64, "a" * 65, "x" * 64])
@given(st.lists(_HASHED, min_size=1, max_size=5))
def test_columns_of_hashes_are_read_as_each_alone(hashes: list[str]) -> None:
    for field in ("emails", "phones"):
        members = [RawMember(**{field: [one]}) for one in hashes]  # type: ignore[arg-type]
        alone = [rows_of_member(one, default_region="US", this_year=2026).rows for one in members]
        assert _reader().rows_of(members) == alone


def test_a_plain_member_needs_no_closer_look() -> None:
    member = RawMember(
        emails=[" Mary@Example.com"], phones=["(650) 555-1212"], first_name="Mary", country="USA"
    )
    rows = _reader().rows_of_plain([member])
    assert tuple(rows) == rows_of_member(member, default_region="US", this_year=2026).rows


def test_a_member_of_traits_is_plain_too() -> None:
    member = RawMember(traits={"email": "a@x.com", "zip_code": "94105", "x": "y"}, zip=" ")
    reader = _reader()
    rows = reader.rows_of_plain([member])
    assert tuple(rows) == rows_of_member(member, default_region="US", this_year=2026).rows
    assert reader.unknown_traits == 1


@pytest.mark.parametrize(
    "member",
    [
        RawMember(),
        RawMember(first_name="Mary"),
        RawMember(emails=["a@x.com", "b@x.com"]),
        RawMember(emails=["n/a"]),
        RawMember(emails=["a@x.com"], gender="?"),
        RawMember(emails=["a@x.com"], birth_day="1990-02-03"),
        RawMember(emails=["a@x.com"], birth_day="4", traits={"DOB": "1990-02-03"}),
        RawMember(traits={"emails": "a@x.com;b@x.com"}),
    ],
)
def test_whoever_is_not_plain_gets_a_closer_look(member: RawMember) -> None:
    plain = RawMember(emails=["a@x.com"])
    rows = _reader().rows_of_plain([plain, member, plain])
    assert [row is None for row in rows] == [False, True, False]


def test_what_is_remembered_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_memory, "REMEMBERED_TEXTS_MAX", 50)
    chance = random.Random(1)
    reader = _reader()
    for number in range(500):
        name = "".join(chance.choices("abcdefgh", k=9))
        zip_code = "z" * REMEMBERED_CHARACTERS_MAX + str(number)
        member = RawMember(emails=[f"a@{name}.com"], first_name=name, city=name, zip=zip_code)
        alone = rows_of_member(member, default_region="US", this_year=2026)
        assert reader.rows_of([member]) == [alone.rows]
    memories = [one for one in gc.get_objects() if isinstance(one, TextMemory)]
    assert max(map(len, memories)) == 50
