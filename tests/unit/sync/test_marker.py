from hypothesis import given
from hypothesis import strategies as st

from service.sync.marker import Marker

OURS = Marker("bought-this-month", "0123456789ab")


def test_the_marker_stands_behind_the_callers_words() -> None:
    assert OURS.append_to("Buyers of May") == (
        "Buyers of May [audience-sync:bought-this-month@0123456789ab]"
    )
    assert OURS.append_to("") == "[audience-sync:bought-this-month@0123456789ab]"


@given(st.text(max_size=50))
def test_the_marker_is_found_again_behind_any_description(description: str) -> None:
    assert Marker.find(OURS.append_to(description)) == OURS


def test_a_new_marker_takes_the_place_of_an_old_one() -> None:
    described = Marker("other", "ffff").append_to("words")
    assert Marker.find(OURS.append_to(described)) == OURS
    assert OURS.append_to(described).count("[audience-sync:") == 1


def test_a_description_without_marker_has_none() -> None:
    assert Marker.find("[audience-sync] is a fine name") is None
