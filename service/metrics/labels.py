"""Keeps what a label may say to a bounded set: every value of a label is a time series of its own."""

from typing import Final

OTHERS: Final = "(others)"
"""Stands for all that have no label of their own. Neither audiences nor ad accounts have such ids."""


class BoundedLabels:
    """The first `own_max` values keep a label of their own; all later ones share one."""

    def __init__(self, own_max: int) -> None:
        self._own_max = own_max
        self._own: set[str] = set()

    def of(self, value: str) -> str:
        """The label of a value, the same each time."""
        if value not in self._own:
            if len(self._own) >= self._own_max:
                return OTHERS
            self._own.add(value)
        return value
