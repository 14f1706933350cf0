"""Decides which of the calls that wait for one audience are committed together."""

from collections.abc import Collection, Iterable
from typing import Final, Protocol, TypeVar

BATCH_CALLS_MAX: Final = 256
"""Calls that are committed together at most."""
BATCH_CHANGES_MAX: Final = 1_000
"""Changes that are committed together at most; a call with more goes alone."""


class Batchable(Protocol):
    """A call as far as it matters to others: what they may have in common with it."""

    @property
    def request_id(self) -> str: ...

    @property
    def member_keys(self) -> Collection[bytes]: ...


C = TypeVar("C", bound=Batchable)


def next_batch(
    waiting: Iterable[C],
    *,
    calls_max: int = BATCH_CALLS_MAX,
    changes_max: int = BATCH_CHANGES_MAX,
) -> list[C]:
    """Choose from the calls, longest waiting first; the first is always chosen.

    A call that shares a member or the request_id with one before it waits, whether that one is
    chosen or waits too: so each member's changes are merged in the order of their arrival, and a
    repeat finds the first answer. Calls passed over count towards the changes: the look ahead is
    bounded.
    """
    batch: list[C] = []
    members: set[bytes] = set()
    request_ids: set[str] = set()
    changes = 0
    for call in waiting:
        changes += len(call.member_keys)
        if batch and (changes > changes_max or len(batch) == calls_max):
            break
        if members.isdisjoint(call.member_keys) and call.request_id not in request_ids:
            batch.append(call)
        members.update(call.member_keys)
        if call.request_id:
            request_ids.add(call.request_id)
    return batch
