"""Additions refused as a whole, sent once more with one strong identifier a row. Pure bookkeeping."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from service.sync.receipts import NOT_TOLD, rejection, second_chance_rows


@dataclass(slots=True)
class SecondChances:
    """Refused rows, the parts that stand for them, and what became of the parts."""

    parts: dict[bytes, list[bytes]] = field(default_factory=dict)
    """Part of a refused row → the refused rows that it stands for."""
    _refused: dict[bytes, tuple[int, str]] = field(default_factory=dict)
    """Row → why one of its parts was refused."""
    _untold: list[tuple[int, Sequence[bytes]]] = field(default_factory=list)
    """So many of these parts were refused, but it is not known which."""

    def give(self, row: bytes) -> bool:
        """Note a refused row; False when it has only one strong identifier, and so no chance."""
        parts = second_chance_rows(row)
        for part in parts:
            self.parts.setdefault(part, []).append(row)
        return bool(parts)

    def refuse(self, part: bytes, reason: str) -> None:
        for row in self.parts[part]:
            self._refused[row] = rejection(part, reason)

    def leave_untold(self, count: int, parts: Sequence[bytes]) -> None:
        self._untold.append((count, parts))

    @property
    def rows(self) -> set[bytes]:
        return {row for rows in self.parts.values() for row in rows}

    def count(self) -> tuple[int, Counter[tuple[int, str]]]:
        """How many rows came through with all their parts, and how many did not, by reason.

        Where it is not known which parts were refused, as many rows as that can be count as refused.
        """
        invalid = Counter(self._refused.values())
        came_through = self.rows - self._refused.keys()
        untold = min(len(came_through), sum(self._most_refused(*some) for some in self._untold))
        if untold:
            invalid[0, NOT_TOLD] += untold
        return len(came_through) - untold, invalid

    def _most_refused(self, count: int, parts: Sequence[bytes]) -> int:
        stand_for = (len(set(self.parts[part]) - self._refused.keys()) for part in parts)
        return sum(sorted(stand_for, reverse=True)[:count])
