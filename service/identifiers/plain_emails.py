"""Reads a column of plainly written e-mails together, to the same texts as each by its rule."""

from collections.abc import Mapping, Sequence

from service.identifiers.keys import IDENTIFIER_BYTES_MAX


def plain_emails(texts: Sequence[str], is_domain: Mapping[str, bool]) -> list[str | None]:
    """The addresses as they are hashed; None where the rule is to be asked.

    `is_domain` has an entry for every lower-case text, as a `TextMemory` has.
    """
    return [
        word if name and is_domain[domain] else None
        for word in _lower_words(texts)
        for name, _, domain in (word.partition("@"),)
    ]


def _lower_words(texts: Sequence[str]) -> Sequence[str]:
    """Each text trimmed and in lower case; "" for one that is not a single word of ASCII."""
    joined = "\n".join(texts)
    words = joined.lower().split()
    if (
        joined.isascii()
        and len(words) == len(texts)
        # No white space but what joins them, so each word is one text.
        and sum(map(len, words)) + len(texts) - 1 == len(joined)
        and max(map(len, words)) <= IDENTIFIER_BYTES_MAX
    ):
        return words
    return [_lower_word(text) for text in texts]


def _lower_word(text: str) -> str:
    words = text.lower().split() if len(text) <= IDENTIFIER_BYTES_MAX and text.isascii() else ()
    return words[0] if len(words) == 1 else ""
