"""Normalises the year, month and day of birth, and takes whole dates apart."""

import datetime as dt
import re
from typing import Final, NamedTuple

from service.identifiers.keys import DropReason
from service.identifiers.text import lowered

BIRTH_YEAR_MIN: Final = 1900
"""Facebook's earliest year of birth."""

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
    name: f"{number:02}"
    for number, month in enumerate(_MONTHS, start=1)
    for name in (month, month[:3])
}
_YEAR = re.compile(r"[0-9]{4}")
_ONE_OR_TWO_DIGITS = re.compile(r"[0-9]{1,2}")
_WHOLE_DATES = tuple(
    re.compile(form)
    for form in (
        r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})",
        r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})",
        r"(?P<month>[0-9]{1,2})/(?P<day>[0-9]{1,2})/(?P<year>[0-9]{4})",
        r"(?P<day>[0-9]{1,2})\.(?P<month>[0-9]{1,2})\.(?P<year>[0-9]{4})",
    )
)


class BirthDate(NamedTuple):
    """The three parts of a whole date, each as its key is written."""

    year: str
    month: str
    day: str


def normalize_birth_year(raw: str, this_year: int) -> str | DropReason:
    """`YYYY` from 1900 to this year, or OUT_OF_RANGE; blank gives ""."""
    year = raw.strip()
    if not year:
        return ""
    if _YEAR.fullmatch(year) and BIRTH_YEAR_MIN <= int(year) <= this_year:
        return year
    return DropReason.OUT_OF_RANGE


def normalize_birth_month(raw: str) -> str | DropReason:
    """`01` to `12`, English month names understood, or OUT_OF_RANGE; blank gives ""."""
    month = lowered(raw)
    return _MONTH_NUMBERS.get(month) or _two_digits(month, last=12)


def normalize_birth_day(raw: str) -> str | DropReason:
    """`01` to `31`, or OUT_OF_RANGE; blank gives ""."""
    return _two_digits(raw.strip(), last=31)


def _two_digits(text: str, *, last: int) -> str | DropReason:
    if not text:
        return ""
    if _ONE_OR_TWO_DIGITS.fullmatch(text) and 1 <= int(text) <= last:
        return text.zfill(2)
    return DropReason.OUT_OF_RANGE


def whole_date(raw: str) -> BirthDate | DropReason | None:
    """The parts of `YYYY-MM-DD`, `YYYYMMDD`, `MM/DD/YYYY` or `DD.MM.YYYY`.

    NO_SUCH_DATE where the calendar has no such day, None where the text has none of these
    forms. The year is not judged here: it is a key of its own.
    """
    text = raw.strip()
    for form in _WHOLE_DATES:
        if found := form.fullmatch(text):
            return _calendar_date(found["year"], found["month"], found["day"])
    return None


def _calendar_date(year: str, month: str, day: str) -> BirthDate | DropReason:
    try:
        dt.date(int(year), int(month), int(day))
    except ValueError:
        return DropReason.NO_SUCH_DATE
    return BirthDate(year, month.zfill(2), day.zfill(2))
