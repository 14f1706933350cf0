"""Names, cities and postal codes that are read together against the reading of each by its rule."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.identifiers import Key, normalize
from service.identifiers.plain_words import WORD_KEYS, plain_words

_TEXTS = st.text("aZ -'.\t\n\r\x0b\x1c\x1f\x00019é\u2013", max_size=8) | st.sampled_from(
    ["Mary-Ann", "New York", "94105-1234", "SW1A 1AA", "zip 941051", "x" * 63, "x" * 64, "1" * 70]
)


@pytest.mark.parametrize("key", sorted(WORD_KEYS))
@pytest.mark.parametrize("region", ["US", "GB"])
@example(texts=["12 345-6789", "1234-5", "a1b2c3", "123456", "12345"])
@example(texts=["é", "Zoë", "plain", "x" * 64, " ", "-"])
@example(texts=["a\nb", "plain"])
@example(texts=[])
@given(texts=st.lists(_TEXTS, unique=True, max_size=6))
def test_what_is_read_together_is_read_as_by_the_rule(
    key: Key, region: str, texts: list[str]
) -> None:
    read = plain_words(key, texts, region)
    assert {text: word.decode() for text, word in read.items()} == {
        text: normalize(key, text, region=region, this_year=2026) for text in read
    }


@pytest.mark.parametrize(
    ("key", "texts"),
    [
        (Key.FN, ["Mary", "mary-ann", "O'Brien"]),
        (Key.LN, ["Smith", "van der Berg"]),
        (Key.CT, ["Berlin", "New York"]),
        (Key.ZIP, ["94105", "94105-1234", " sw1a 1aa"]),
    ],
)
def test_plain_texts_are_read_beside_odd_ones(key: Key, texts: list[str]) -> None:
    odd = ["Zoë", "x" * 64, ""]
    assert list(plain_words(key, [*odd, *texts], "US")) == texts
