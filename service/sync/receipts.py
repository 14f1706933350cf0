"""Reads what a receipt says of each row of its batch. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from service.graph import Receipt
from service.identifiers import row_mask, row_with_only, strong_identifiers

NOT_TOLD: Final = "not told which rows"
"""Reason of rows counted as invalid of which Facebook gave no sample."""


SESSION_ID_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Reading:
    """A batch's rows by outcome: accepted + refused + untold rows make the batch.

    Shape: `refused` maps rows to Facebook's reason. `untold` rows were refused too, but which ones
    is not known.
    """

    accepted: int
    refused: Mapping[bytes, str]
    untold: int


def read_receipt(rows: Sequence[bytes], receipt: Receipt) -> Reading:
    """Who was accepted and who refused, never more accepted than both the count and the samples allow.

    `num_invalid` beyond the rows sent is read as all of them: then every row is known to be refused.
    """
    refused = dict(receipt.samples)
    invalid = min(max(receipt.num_invalid, len(refused)), len(rows))
    if invalid == len(rows):
        refused = {row: refused.get(row, NOT_TOLD) for row in rows}
    return Reading(accepted=len(rows) - invalid, refused=refused, untold=invalid - len(refused))


def second_chance_rows(row: bytes) -> list[bytes]:
    """A refused row as rows of one strong identifier each; none when it has only one."""
    identifiers = strong_identifiers(row)
    if len(identifiers) < 2:  # noqa: PLR2004
        return []
    return [row_with_only(row, identifier.key) for identifier in identifiers]


def rejection(row: bytes, reason: str) -> tuple[int, str]:
    """What is kept of a refused row: its keys and the reason, never its values."""
    return row_mask(row), reason


def session_ids_of(receipt: Receipt) -> list[int]:
    """The upload session that Facebook names, as a list of at most one."""
    named = receipt.session_id
    is_number = named.isascii() and named.isdecimal() and len(named) <= len(str(SESSION_ID_MAX))
    return [int(named)] if is_number and 0 < int(named) <= SESSION_ID_MAX else []
