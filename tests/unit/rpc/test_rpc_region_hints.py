"""Regions are remembered for the audiences that were noted last."""

from service.rpc.region_hints import RegionHints


def test_a_region_is_what_was_noted_last() -> None:
    hints = RegionHints()
    assert hints.get("shoppers") is None
    hints.note("shoppers", "US")
    hints.note("shoppers", "DE")
    assert hints.get("shoppers") == "DE"


def test_one_too_many_takes_the_place_of_the_one_that_was_noted_longest_ago() -> None:
    hints = RegionHints(hints_max=2)
    for audience_id in ("a", "b", "a", "c"):
        hints.note(audience_id, "US")
    assert [hints.get(audience_id) for audience_id in ("a", "b", "c")] == ["US", None, "US"]
