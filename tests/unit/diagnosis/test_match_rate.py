"""Judging what callers send."""

import hashlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import pytest

from service.diagnosis.audiences import judge_audience
from service.diagnosis.findings import Finding, Severity, worst_first
from service.diagnosis.match_rate import judge_match_rate
from service.diagnosis.sample import RowSample, Sampler
from service.identifiers import Doubt, DropReason, Key, pack_row
from service.store.diagnosis_rows import DroppedSigns
from tests.unit.diagnosis.builders import (
    a_sample,
    an_audience,
    audience_facts,
    found,
    signs,
)

INFO, WARNING, ERROR = Severity

Counts: TypeAlias = Mapping[tuple[Key, Any], int]
"""By key and DropReason or Doubt."""


def dropped(counts: Counts) -> list[DroppedSigns]:
    return [
        DroppedSigns(key=key, reason=reason, worst_day_count=count)
        for (key, reason), count in counts.items()
    ]


def judged_drops(counts: Counts, sample: RowSample | None = None) -> list[Finding]:
    facts = audience_facts(dropped=dropped(counts), sample=sample or a_sample())
    return list(judge_match_rate(facts))


def judged_sample(**values: object) -> list[tuple[str, Severity]]:
    return found(judge_match_rate(audience_facts(sample=a_sample(**values))))


@pytest.mark.parametrize(
    ("rows", "people", "times"),
    [(99, 0, 0), (100, 29, 1), (100, 30, 0), (0, 0, 0)],
)
def test_the_match_rate_is_low_below_a_third(rows: int, people: int, times: int) -> None:
    facts = audience_facts(signs=signs(matched_rows_added=rows, people_matched=people))
    assert found(judge_match_rate(facts)) == [("MATCH_RATE_LOW", WARNING)] * times


@pytest.mark.parametrize(("unmatchable", "times"), [(100, 0), (101, 1)])
def test_members_with_weak_keys_only_are_told(unmatchable: int, times: int) -> None:
    facts = audience_facts(an_audience(unmatchable_count=unmatchable))
    assert found(judge_audience(facts)) == [("MEMBERS_UNMATCHABLE", WARNING)] * times


def test_phones_that_cannot_be_read_speak_of_a_missing_country_code() -> None:
    """Fifty-three of some thousand: neither reason alone would be much."""
    (finding,) = judged_drops(
        {(Key.PHONE, DropReason.NOT_POSSIBLE): 30, (Key.PHONE, DropReason.UNREADABLE): 23}
    )
    assert (finding.code, finding.severity) == ("PHONES_DROPPED", WARNING)
    assert finding.evidence == {"on_worst_day": "53", "default_region": "US"}
    assert judged_drops({(Key.PHONE, DropReason.NOT_POSSIBLE): 52}) == []


def test_dropped_values_count_beside_those_of_their_kind_that_are_kept() -> None:
    counts = {(Key.MADID, DropReason.NOT_A_UUID): 10}
    (finding,) = judged_drops(counts)  # no row has a device id
    assert (finding.code, finding.evidence["key"]) == ("IDENTIFIERS_DROPPED", "MADID")
    assert judged_drops(counts, a_sample(rows_with={Key.MADID: 1_000})) == []
    assert judged_drops({(Key.MADID, DropReason.NOT_A_UUID): 9}) == []


def test_device_ids_of_zeros_are_told_apart() -> None:
    zeros = {(Key.MADID, DropReason.ALL_ZEROS): 10}
    assert [one.code for one in judged_drops(zeros)] == ["DEVICE_IDS_ZERO"]
    phones = {(Key.PHONE, DropReason.ALL_ZEROS): 100}
    assert [one.code for one in judged_drops(phones)] == ["IDENTIFIERS_DROPPED"]


@pytest.mark.parametrize(
    ("about", "with_email", "times"),
    [(51, 1_000, 1), (50, 1_000, 0), (50, 900, 1), (49, 0, 0), (0, 0, 0)],
)
def test_addresses_of_roles_are_told_when_they_are_many_and_one_in_twenty(
    about: int, with_email: int, times: int
) -> None:
    counts = {(Key.EMAIL, Doubt.ROLE_MAILBOX): about}
    judged = judged_drops(counts, a_sample(rows_with={Key.EMAIL: with_email}))
    assert found(judged) == [("ROLE_MAILBOXES", WARNING)] * times
    assert [one.evidence["about_on_worst_day"] for one in judged] == [str(about)] * times


@pytest.mark.parametrize("key", [Key.EMAIL, Key.PHONE, Key.MADID])
def test_a_value_that_many_members_share_is_told(key: Key) -> None:
    assert judged_sample(most_shared={key: 9}) == []
    assert judged_sample(most_shared={key: 10}) == [("IDENTIFIER_SHARED", WARNING)]
    assert judged_sample(row_count=2_000, most_shared={key: 19}) == []


def test_hashes_of_nothing_are_told() -> None:
    assert judged_sample(nothing_count=1) == [("HASH_OF_NOTHING", WARNING)]


def test_rows_of_one_key_only_are_told_when_all_are_so() -> None:
    assert judged_sample(single_key_count=1_000) == [("ONE_KEY_ONLY", INFO)]
    assert judged_sample(single_key_count=999) == []
    assert judged_sample(row_count=99, single_key_count=99) == []


def sha(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def test_a_sample_counts_keys_shared_values_and_hashes_of_nothing() -> None:
    rows = [
        {Key.EMAIL: sha("a@b.c")},
        {Key.EMAIL: sha("a@b.c"), Key.FN: sha("null")},
        {Key.EMAIL: sha("none"), Key.MADID: bytes(range(16))},
    ]
    sampler = Sampler()
    sampler.look_at(pack_row(row) for row in rows[:1])
    sampler.look_at(pack_row(row) for row in rows[1:])
    assert sampler.sample() == RowSample(
        row_count=3,
        single_key_count=1,
        rows_with={Key.EMAIL: 3, Key.FN: 1, Key.MADID: 1},
        most_shared={Key.EMAIL: 2, Key.MADID: 1},
        nothing_count=2,
    )


def test_an_empty_sample_has_nothing_of_any_key() -> None:
    assert Sampler().sample() == RowSample()
    assert RowSample().share_with(Key.EMAIL) == 0


def test_no_finding_tells_a_value() -> None:
    sampler = Sampler()
    value = sha("shared@mail.example")
    sampler.look_at(pack_row({Key.EMAIL: value}) for _ in range(100))
    facts = audience_facts(sample=sampler.sample())
    told = "".join(map(repr, judge_match_rate(facts)))
    assert "IDENTIFIER_SHARED" in told
    assert value.hex() not in told


def test_the_worst_come_first() -> None:
    facts = audience_facts(
        an_audience(operation_status=471, member_count=0), signs=signs(rows_put_off=1)
    )
    assert [one.severity for one in worst_first(judge_audience(facts))] == [ERROR, WARNING, INFO]
