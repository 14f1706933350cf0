"""Every published or hand-worked example of what a value becomes."""

import json
from pathlib import Path

import pytest

from service.identifiers import DropReason, Key, normalize, value_of

_VECTORS = Path(__file__).parents[2] / "data" / "normalization-vectors.jsonl"
_CASES = [json.loads(line) for line in _VECTORS.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("case", _CASES, ids=lambda case: f"{case['key']}-{case['input']}")
def test_vector(case: dict[str, str | None]) -> None:
    key = Key[str(case["key"])]
    raw = str(case["input"])
    region = case.get("country") or "US"

    normalized = normalize(key, raw, region=region, this_year=2026)
    value = value_of(key, raw, region=region, this_year=2026)

    assert (None if isinstance(normalized, DropReason) else normalized or None) == case[
        "expected_normalized"
    ]
    if key is not Key.MADID:
        digest = value.hex() if isinstance(value, bytes) else None
        assert digest == case["expected_sha256"]


def test_the_file_of_vectors_covers_every_key() -> None:
    assert {case["key"] for case in _CASES} == {key.name for key in Key}
