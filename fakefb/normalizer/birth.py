"""Owns the rules of birth dates: year, month and day apart, or a whole date in one text."""

import datetime as dt
import re
from typing import Final, NamedTuple

from fakefb.normalizer.text import trimmed

_YEAR_FIRST: Final = 1900
_MONTHS: Final = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_MONTH_NUMBERS: Final = {
    **{month: number for number, month in enumerate(_MONTHS, 1)},
    **{month[:3]: number for number, month in enumerate(_MONTHS, 1)},
}
_WHOLE_DATES: Final = (
    re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})", re.ASCII),
    re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})", re.ASCII),
    re.compile(r"(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})", re.ASCII),
    re.compile(r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})", re.ASCII),
)


class BirthDate(NamedTuple):
    """Normal year, month and day; all "" when there is no such date, year "" when out of range."""

    year: str
    month: str
    day: str


def year(raw: str, this_year: int) -> str:
    """Return YYYY from 1900 to this year, or ""."""
    value = trimmed(raw)
    if not re.fullmatch(r"[0-9]{4}", value):
        return ""
    return value if _YEAR_FIRST <= int(value) <= this_year else ""


def month(raw: str) -> str:
    """Return 01 to 12 of a number or an English month name, or ""."""
    value = trimmed(raw).lower()
    if value in _MONTH_NUMBERS:
        return f"{_MONTH_NUMBERS[value]:02d}"
    return _two_digits(value, 12)


def day(raw: str) -> str:
    """Return 01 to 31, or ""."""
    return _two_digits(trimmed(raw), 31)


def whole_date(raw: str, this_year: int) -> BirthDate | None:
    """Read a date written in one text; None when the text has not the form of a date."""
    value = trimmed(raw)
    for form in _WHOLE_DATES:
        found = form.fullmatch(value)
        if found:
            return _existing(int(found["y"]), int(found["m"]), int(found["d"]), this_year)
    return None


def _existing(y: int, m: int, d: int, this_year: int) -> BirthDate:
    try:
        date = dt.date(y, m, d)
    except ValueError:
        return BirthDate("", "", "")
    return BirthDate(year(f"{date.year:04d}", this_year), f"{m:02d}", f"{d:02d}")


def _two_digits(value: str, largest: int) -> str:
    if not re.fullmatch(r"[0-9]{1,2}", value):
        return ""
    return f"{int(value):02d}" if 1 <= int(value) <= largest else ""
