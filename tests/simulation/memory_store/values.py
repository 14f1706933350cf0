"""Values as Postgres treats them."""

from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

Row: TypeAlias = dict[str, Any]

INFINITY: Final = datetime.max.replace(tzinfo=UTC)
"""Later than all others, as `infinity` is. No text gives it back."""


class Record(Row):
    """A row of an answer, by column or by place, as the driver's."""

    def __getitem__(self, column: str | int) -> Any:
        if isinstance(column, int):
            return list(self.values())[column]
        return super().__getitem__(column)


def greatest(*values: Any) -> Any:
    """The greatest of those that are not null; null when all are."""
    return max((value for value in values if value is not None), default=None)


def least(*values: Any) -> Any:
    """The least of those that are not null; null when all are."""
    return min((value for value in values if value is not None), default=None)


def coalesce(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)
