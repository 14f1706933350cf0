"""Changes of many members without an object for each: what bulk is made of."""

from collections.abc import Sequence
from typing import overload

from service.store.rows import MemberChange


class MemberBatch(Sequence[MemberChange]):
    """Changes of members, kept as two lists where a member has one row and says no time.

    Shape: `rows[i]` is the row of the member `keys[i]`; `others` come after those.
    """

    def __init__(
        self, keys: Sequence[bytes], rows: Sequence[bytes], others: Sequence[MemberChange] = ()
    ) -> None:
        self.keys = keys
        self.rows = rows
        self.others = others

    def __len__(self) -> int:
        return len(self.keys) + len(self.others)

    @overload
    def __getitem__(self, index: int) -> MemberChange: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[MemberChange]: ...
    def __getitem__(self, index: int | slice) -> MemberChange | Sequence[MemberChange]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = range(len(self))[index]
        if at >= len(self.keys):
            return self.others[at - len(self.keys)]
        return MemberChange(self.keys[at], (self.rows[at],))
