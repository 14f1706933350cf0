"""Divides an ad account's calls in flight among the replicas that have calls for it. Pure.

Every replica with calls to make has a record in the account's shared state: how many calls it would
like to have in flight, and its places, which are how many it may have. A replica changes its own
places only, by a compare-and-swap of the whole state, and takes none that another still has. So the
places of all never exceed the most that is allowed.

A replica that says nothing for SILENT_S has died, sleeps, or waits for long calls. Its places stay
taken until the calls that it may have begun must have ended; but one place is then left to those who
speak. That is the one case in which an account has more than `calls_max` calls in flight: by one, each
time that all who have places fall silent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from service.sync.pacing import Pace, calls_allowed

SILENT_S: Final = 5.0
"""Seconds. A replica starts no call when it has not spoken for so long."""
TURN_S: Final = 3.0
"""Seconds after which the places that cannot be divided evenly go to other replicas."""


@dataclass(frozen=True, slots=True)
class Holder:
    """What one replica wants and has of an account, as it said at `seen_at`."""

    name: str
    wanted: int
    places: int
    seen_at: float


@dataclass(frozen=True, slots=True)
class AccountPace:
    """All that replicas share of an account's pace. `holders` are in the order of their names."""

    pace: Pace
    holders: tuple[Holder, ...] = ()

    def places_of(self, name: str) -> int:
        return next((holder.places for holder in self.holders if holder.name == name), 0)

    def others(self, name: str) -> bool:
        """Whether another replica has calls for the account."""
        return any(holder.name != name for holder in self.holders)


@dataclass(frozen=True, slots=True)
class Part:
    """What a replica says of itself: calls in flight, and calls that it would like to have there."""

    name: str
    in_flight: int
    wanted: int
    call_timeout_s: float
    """Seconds after which a call of any replica has ended."""


def take_part(account: AccountPace, part: Part, now: float) -> AccountPace:
    """Say what a replica wants, and give it the places that are free and its share.

    Who wants nothing and has nothing in flight leaves.
    """
    others = [
        holder
        for holder in account.holders
        if holder.name != part.name and now < holder.seen_at + _life_s(holder, part.call_timeout_s)
    ]
    mine = _my_places(others, part, calls_allowed(account.pace, now), now)
    me = Holder(part.name, part.wanted, mine, now)
    keep = [*others, me] if part.wanted > 0 or part.in_flight > 0 else others
    return replace(account, holders=tuple(sorted(keep, key=lambda holder: holder.name)))


def _life_s(holder: Holder, call_timeout_s: float) -> float:
    return SILENT_S + (call_timeout_s if holder.places > 0 else 0.0)


def _my_places(others: Sequence[Holder], part: Part, allowed: int, now: float) -> int:
    silent = sum(holder.places for holder in others if now >= holder.seen_at + SILENT_S)
    speaking = [holder for holder in others if now < holder.seen_at + SILENT_S]
    room = max(1, allowed - silent)
    wishes = {holder.name: holder.wanted for holder in speaking} | {part.name: part.wanted}
    share = divide(room, wishes, turn=int(now // TURN_S))[part.name]
    free = room - sum(holder.places for holder in speaking)
    return max(part.in_flight, min(share, free), 0)


def divide(room: int, wishes: Mapping[str, int], *, turn: int) -> dict[str, int]:
    """Divide places evenly, to nobody more than wished while another wishes; the rest evenly too.

    What cannot be divided evenly goes round with `turn`, so with fewer places than replicas they take
    turns.
    """
    names = _rotated(sorted(wishes), turn)
    shares = dict.fromkeys(names, 0)
    for is_wished in (True, False):
        while room > 0:
            takers = [n for n in names if not is_wished or shares[n] < wishes[n]][:room]
            if not takers:
                break
            _give_one(shares, takers)
            room -= len(takers)
    return shares


def _give_one(shares: dict[str, int], takers: Iterable[str]) -> None:
    for name in takers:
        shares[name] += 1


def _rotated(names: Sequence[str], turn: int) -> list[str]:
    at = turn % len(names) if names else 0
    return [*names[at:], *names[:at]]
