"""Remembers what short texts give: of names, places and the like a list has few different ones."""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

T = TypeVar("T")

REMEMBERED_TEXTS_MAX: Final = 20_000
"""Texts that one memory holds; with one more it begins anew."""
REMEMBERED_CHARACTERS_MAX: Final = 63
"""Characters of a text that is remembered. One so short is neither hashed already nor too long."""


class TextMemory(dict[str, T]):
    """What texts give, worked out when one is first met. It holds plain text: never keep one long."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[str], T]) -> None:
        super().__init__()
        self._make = make

    def learn(self, made: Mapping[str, T]) -> None:
        """Remember what was made of short texts elsewhere; too many at once are left out."""
        if len(self) + len(made) > REMEMBERED_TEXTS_MAX:
            self.clear()
        if len(made) <= REMEMBERED_TEXTS_MAX:
            self.update(made)

    def __missing__(self, text: str) -> T:
        made = self._make(text)
        if len(text) <= REMEMBERED_CHARACTERS_MAX:
            if len(self) >= REMEMBERED_TEXTS_MAX:
                self.clear()
            self[text] = made
        return made
