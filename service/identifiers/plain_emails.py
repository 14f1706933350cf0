"""Reads a column of plainly written e-mails together, to the same texts as each by its rule."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

# At most 20 + 150 + 1 + 5 * 61 + 20 bytes, so never too long. What only the rule understands (other
# white space, other characters, two dots in a row) does not match. Nothing is ever tried twice.
_NAME: Final = rb"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,150}+"
_LABEL: Final = rb"[a-z0-9_-]{1,60}+"
_PLAIN_LINES: Final = re.compile(
    rb"(?: {0,20}+%b@%b(?:\.%b){1,4}+ {0,20}+\n)*+" % (_NAME, _LABEL, _LABEL)
)


def plain_emails(texts: Sequence[str]) -> tuple[list[bytes], list[int]]:
    """The addresses as they are hashed, and the places of those of which the rule is to be asked.

    At those places anything may stand among the addresses.
    """
    # Bytes, because only ASCII is to be lower-cased: of anything else the rule is asked.
    joined = "\n".join((*texts, "")).encode("utf-8", "surrogatepass").lower()
    if joined.count(b"\n") > len(texts):
        return plain_emails(["" if "\n" in text else text for text in texts])
    lines = joined.split(b"\n")
    lines.pop()
    if b" " in joined:
        lines = [line.strip() for line in lines]
    return lines, list(_odd_lines(joined))


def _odd_lines(joined: bytes) -> Iterator[int]:
    """The numbers of the lines that are no plain e-mails."""
    line = start = 0
    while start < len(joined):
        plain = _PLAIN_LINES.match(joined, start)
        end = plain.end() if plain else start
        if end == len(joined):
            return
        line += joined.count(b"\n", start, end)
        yield line
        line += 1
        start = joined.index(b"\n", end) + 1
