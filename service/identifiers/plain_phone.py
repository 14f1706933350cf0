"""Reads plainly written phone numbers without libphonenumber's parser, from its own metadata.

Only a number that the parser would surely take as it stands is read here; of any other the parser
is asked. So both give the same digits, and this one costs a fiftieth.
"""

import functools
import re
from typing import Final, NamedTuple

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    SUPPORTED_REGIONS,
    PhoneMetadata,
    region_code_for_country_code,
)

PLAIN_CHARACTERS_MAX: Final = 40
"""Characters of the longest text that is read here."""
CALLING_CODE_DIGITS_MAX: Final = 3
"""Digits of the longest country calling code."""

PUNCTUATION: Final = b" -.()/"
"""What may stand between the digits."""
_TRUNK_ZERO = re.compile(r"^(\+[\s./-]*(?:\d[\s./-]*){1,3})\(\s*0\s*\)")
_NEVER: Final = "(?!)"
SIGNS_OF_A_TRUNK_ZERO: Final = ("(0", "( ")
"""One of them is in every text with a zero that is only dialled within the country."""


class Plan(NamedTuple):
    """How the numbers of a region are written."""

    code: str
    """The country calling code."""
    form: re.Pattern[str]
    """A national number, with a trunk prefix or without; zeros alone are none."""
    whole_form: re.Pattern[str]
    """A national number that nothing could be taken off as a trunk prefix."""
    lengths: frozenset[int]
    """Digits of possible national numbers."""
    trunk: re.Pattern[str]
    """What may be dialled before a national number within the country."""
    exit: re.Pattern[str]
    """What is dialled before the calling code of another country."""


def learn_plans() -> None:
    """Read the plans of all countries, a millisecond each: else the first members from there would wait."""
    for region in SUPPORTED_REGIONS:
        plan_of(region)


def with_country_code_first(text: str) -> str:
    """The text with a plus sign for `00`, and without a `(0)` that is only dialled within."""
    if text.startswith("00"):
        text = "+" + text[2:]
    return _TRUNK_ZERO.sub(r"\1", text) if "(" in text else text


def plain_phone(text: str, region: str) -> str | None:
    """The E.164 digits of a trimmed number; None where libphonenumber is to be asked."""
    if len(text) > PLAIN_CHARACTERS_MAX or not text.isascii():
        return None
    if text.startswith("00") or any(sign in text for sign in SIGNS_OF_A_TRUNK_ZERO):
        text = with_country_code_first(text)
    return _number(text.encode().translate(None, PUNCTUATION).decode(), region)


def _number(digits: str, region: str) -> str | None:
    """A number without punctuation, a plus sign in front where there was one."""
    if not digits.startswith("+"):
        return _with_country_code(digits, region) if digits.isdigit() else None
    digits = digits[1:]
    return digits if digits.isdigit() and _is_whole(digits) else None


def _is_whole(digits: str) -> bool:
    """Whether the digits are a country code and a possible national number of that country."""
    plan = plan_at(digits[:CALLING_CODE_DIGITS_MAX])
    return plan is not None and _is_whole_national(digits[len(plan.code) :], plan)


def _is_whole_national(digits: str, plan: Plan) -> bool:
    return len(digits) in plan.lengths and plan.whole_form.fullmatch(digits) is not None


def _with_country_code(digits: str, region: str) -> str | None:
    plan = plan_of(region)
    if plan is None or plan.exit.match(digits):
        return None
    if digits.startswith(plan.code):
        # The code counts as such only where the number without it is one, and with it none.
        if plan.form.fullmatch(digits) or not _is_whole_national(digits[len(plan.code) :], plan):
            return None
        number = digits
    else:
        national = _without_trunk(digits, plan)
        if national is None:
            return None
        number = plan.code + national
    # A country code may be shared: that the main country takes the number is asked as well.
    return number if _is_whole(number) else None


def _without_trunk(digits: str, plan: Plan) -> str | None:
    """A national number with its trunk prefix taken off; None where the parser may differ."""
    found = plan.trunk.match(digits)
    if found is None or (found.end() == 0 and found.lastindex is None):
        return digits
    national = digits[found.end() :]
    is_sure = found.lastindex is None and len(national) in plan.lengths
    return national if is_sure and plan.form.fullmatch(national) else None


@functools.lru_cache(maxsize=10**CALLING_CODE_DIGITS_MAX)
def plan_at(start: str) -> Plan | None:
    """The plan of the country whose code stands at the start of a number."""
    ends = range(1, len(start) + 1)
    codes = (int(start[:end]) for end in ends if not start.startswith("0"))
    code = next((code for code in codes if code in COUNTRY_CODE_TO_REGION_CODE), None)
    return None if code is None else plan_of(region_code_for_country_code(code))


@functools.lru_cache(maxsize=512)
def plan_of(region: str) -> Plan | None:
    metadata = PhoneMetadata.metadata_for_region(region, None)
    described = metadata.general_desc if metadata else None
    if metadata is None or described is None or not described.national_number_pattern:
        return None
    form = rf"(?=0*[1-9])(?:{described.national_number_pattern})"
    trunk = metadata.national_prefix_for_parsing or _NEVER
    # A pattern that finds a prefix of no digits takes nothing off; all others rule a number out.
    return Plan(
        code=str(metadata.country_code),
        form=re.compile(form),
        whole_form=re.compile(rf"(?!(?:{trunk})(?!\A)){form}"),
        lengths=frozenset(described.possible_length),
        trunk=re.compile(trunk),
        exit=re.compile(metadata.international_prefix or _NEVER),
    )
