"""Reads what a receipt says of each row of its batch. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from service.graph import Receipt
from service.identifiers import row_mask, row_with_only, strong_identifiers

NOT_TOLD: Final = "not told which rows"
"""Reason of rows counted as invalid of which Facebook gave no sample."""


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
    """Who was accepted and who refused. `num_invalid` beyond the rows sent is read as all of them."""
    invalid = min(receipt.num_invalid, len(rows))
    refused = dict(list(receipt.samples.items())[:invalid])
    if len(rows) == 1 and invalid == 1 and not refused:
        refused = {rows[0]: NOT_TOLD}
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
