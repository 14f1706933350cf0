"""Makes phone numbers as callers write them, right and wrong ones, of every country."""

import random
from typing import Final

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType

REGIONS: Final = sorted(phonenumbers.SUPPORTED_REGIONS)
_TYPES: Final = (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.TOLL_FREE)
_DIGITS: Final = "0123456789"
_PUNCTUATION: Final = (" ", " ", "-", ".", "(", ")", "/", "(0)", " (0) ")
_ODD: Final = ("+", "x", "#", "*", "\u00a0", "\t", "\u0661", "\uff17", "\uff0b", "a", ",", ";", "~")
_ENDS: Final = (" x12", " ext. 7", "ext 123", "#4", ";ext=5", " or 2", "/", " ", "\n", "abc")
_IN_FRONT: Final = ("0", "8", "1", "9", "15", "06", "011", "00", "810", "Tel: ", "tel:", " ")


def phone_text(chance: random.Random) -> tuple[str, str]:
    """A text, and the region it is to be read in: mostly that of the number."""
    region = chance.choice(REGIONS)
    text = _written(_national(region, chance), region, chance)
    if chance.random() < 0.5:
        text = _with_inserted(text, _PUNCTUATION, chance.randrange(1, 6), chance)
    if chance.random() < 0.05:
        text = _with_inserted(text, _ODD, 1, chance)
    if chance.random() < 0.05:
        text += chance.choice(_ENDS)
    return text, region if chance.random() < 0.8 else chance.choice(REGIONS)


def _national(region: str, chance: random.Random) -> str:
    """The digits of an example with some of them changed, at times too few or too many."""
    example = phonenumbers.example_number_for_type(region, chance.choice(_TYPES))
    digits = list(
        phonenumbers.national_significant_number(example)
        if example
        else chance.choices(_DIGITS, k=9)
    )
    for _ in range(chance.choice((0, 0, 1, 3, 9))):
        digits[chance.randrange(len(digits))] = chance.choice(_DIGITS)
    match chance.randrange(12):
        case 0:
            del digits[-chance.randrange(1, 4) :]
        case 1:
            digits += chance.choices(_DIGITS, k=chance.randrange(1, 5))
        case 2:
            digits = ["0"] * len(digits) if chance.random() < 0.1 else digits
        case _:
            pass
    return "".join(digits)


def _written(national: str, region: str, chance: random.Random) -> str:
    metadata = PhoneMetadata.metadata_for_region(region, None)
    assert metadata is not None
    code = metadata.country_code
    match chance.randrange(10):
        case 0 | 1 | 2:
            return f"+{code}{national}"
        case 3:
            return f"00{code}{national}"
        case 4:
            return f"{code}{national}"
        case 5:
            return (metadata.national_prefix or "0") + national
        case 6:
            return chance.choice(_IN_FRONT) + national
        case 7:
            exit_code = metadata.international_prefix or "00"
            return f"{exit_code if exit_code.isdigit() else '011'}{code}{national}"
        case _:
            return national


def _with_inserted(text: str, pieces: tuple[str, ...], count: int, chance: random.Random) -> str:
    for _ in range(count):
        at = chance.randrange(len(text) + 1)
        text = text[:at] + chance.choice(pieces) + text[at:]
    return text
