"""Reads a column of plainly written phone numbers together, to the same digits as each by itself.

How a number is written is told by its first characters; one regular expression then says whether it
is a number that `plain_phone` would take, and nothing else is computed of it.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

from service.identifiers.plain_phone import (
    CALLING_CODE_DIGITS_MAX,
    PLAIN_CHARACTERS_MAX,
    PUNCTUATION,
    SIGNS_OF_A_TRUNK_ZERO,
    Plan,
    plan_at,
    plan_of,
)

STARTS_MAX: Final = 12_000
"""Starts of numbers remembered of one region: more than there are with digits alone."""
REGIONS_MAX: Final = 16
"""Regions whose starts are remembered."""

_START_CHARACTERS: Final = 1 + CALLING_CODE_DIGITS_MAX

_Reader: TypeAlias = tuple[Callable[[bytes], object], bytes, int]
"""What tells whether a number is read so, and then what its digits are: what comes before them, and how
many of its characters are left out in front."""
_NO_READER: Final[_Reader] = (re.compile(b"(?!)").fullmatch, b"", 0)


class PhoneStarts(dict[bytes, _Reader]):
    """How the numbers of a region are read, by their first characters without punctuation."""

    def __init__(self, region: str) -> None:
        super().__init__()
        self._region = region

    def __missing__(self, start: bytes) -> _Reader:
        if len(self) >= STARTS_MAX:
            self.clear()
        reader = self[start] = _reader(start.decode(), self._region)
        return reader


class PhoneColumns:
    """Reads columns of phone numbers. It holds starts of numbers: never keep one long."""

    def __init__(self) -> None:
        self._starts: dict[str, PhoneStarts] = {}

    def plain_phones(
        self, texts: Sequence[str], regions: Sequence[str]
    ) -> tuple[list[bytes], list[int]]:
        """The E.164 digits, and the places of the numbers that are to be read by themselves.

        At those places anything may stand among the digits. Shape: a region for each text.
        """
        numbers = _without_punctuation(texts)
        starts = {region: self._starts_in(region) for region in set(regions)}
        if len(starts) == 1:
            [only] = starts.values()
            readers = [only[number[:_START_CHARACTERS]] for number in numbers]
        else:
            readers = [
                starts[region][number[:_START_CHARACTERS]]
                for number, region in zip(numbers, regions, strict=True)
            ]
        digits = [
            before + number[cut:] if is_so(number) else b""
            for number, (is_so, before, cut) in zip(numbers, readers, strict=True)
        ]
        return digits, [] if all(digits) else [at for at, one in enumerate(digits) if not one]

    def _starts_in(self, region: str) -> PhoneStarts:
        known = self._starts.get(region)
        if known is None:
            if len(self._starts) >= REGIONS_MAX:
                self._starts.clear()
            known = self._starts[region] = PhoneStarts(region)
        return known


def _without_punctuation(texts: Sequence[str]) -> list[bytes]:
    """The texts without punctuation, a plus sign for `00`; nothing of those that need care."""
    joined = "\n".join(texts)
    if (
        joined.count("\n") >= len(texts)
        or any(sign in joined for sign in SIGNS_OF_A_TRUNK_ZERO)
        or max(map(len, texts)) > PLAIN_CHARACTERS_MAX
    ):
        joined = "\n".join("" if _needs_care(text) else text for text in texts)
    if "00" in joined:
        joined = f"\n{joined}".replace("\n00", "\n+")[1:]
    return joined.encode("ascii", "replace").translate(None, PUNCTUATION).split(b"\n")


def _needs_care(text: str) -> bool:
    return (
        len(text) > PLAIN_CHARACTERS_MAX
        or "\n" in text
        or any(sign in text for sign in SIGNS_OF_A_TRUNK_ZERO)
    )


def _reader(start: str, region: str) -> _Reader:
    """How a number with these first characters is read, if it is read quickly at all."""
    if start.startswith("+"):
        plan = plan_at(start[1:]) if start[1:].isdigit() else None
        return _NO_READER if plan is None else (_international(plan), b"", 1)
    plan = plan_of(region)
    if plan is None or start.startswith("00") or not start.isdigit():
        return _NO_READER
    code = plan.code.encode()
    if start.startswith(plan.code):
        return _with_code(plan), b"", 0
    trunk = plan.trunk.pattern
    if trunk.isdigit() and start.startswith(trunk):
        return _with_trunk(plan), code, len(trunk)
    return _national(plan), code, 0


@lru_cache(maxsize=512)
def _international(plan: Plan) -> Callable[[bytes], object]:
    code = rf"\+{plan.code}"
    return _matcher(code + _whole(plan, before=code))


@lru_cache(maxsize=512)
def _with_code(plan: Plan) -> Callable[[bytes], object]:
    """The calling code without a plus sign: it counts as such only where all digits are no number."""
    code = plan.code
    both = "".join(rf"(?={code}{_whole(one, before=code)}\Z)" for one in (plan, _main(plan)))
    return _matcher(rf"(?!{plan.exit.pattern})(?!{plan.form.pattern}\Z){both}\d+")


@lru_cache(maxsize=512)
def _with_trunk(plan: Plan) -> Callable[[bytes], object]:
    trunk = plan.trunk.pattern
    number = rf"(?={_lengths(plan)}\Z)(?={plan.form.pattern}\Z){_whole(_main(plan), before=trunk)}"
    return _matcher(rf"{_no_code(plan)}{trunk}{number}")


@lru_cache(maxsize=512)
def _national(plan: Plan) -> Callable[[bytes], object]:
    return _matcher(rf"{_no_code(plan)}(?!{plan.trunk.pattern}){_whole(_main(plan), before='')}")


def _no_code(plan: Plan) -> str:
    return rf"(?!{plan.exit.pattern})(?!{plan.code})"


def _whole(plan: Plan, *, before: str) -> str:
    """A possible national number, behind these characters, that nothing could be taken off of."""
    return rf"(?={_lengths(plan)}\Z)(?!(?:{plan.trunk.pattern})(?<!\A{before})){plan.form.pattern}"


def _lengths(plan: Plan) -> str:
    return "(?:" + "|".join(rf"\d{{{length}}}" for length in sorted(plan.lengths)) + ")"


def _main(plan: Plan) -> Plan:
    """The plan of the country that the calling code mainly belongs to."""
    return plan_at(plan.code) or plan


def _matcher(pattern: str) -> Callable[[bytes], object]:
    return re.compile(pattern.encode()).fullmatch
