"""Who is next among calls that wait: by turns between audiences, first come first among an audience's."""

from collections import OrderedDict
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, eq=False)
class Ticket:
    """One call that waits, of the audience named `key`."""

    key: str


@dataclass(slots=True)
class FairLine:
    """The calls that wait. An audience that was served goes behind all others that wait."""

    _waiting: OrderedDict[str, OrderedDict[Ticket, None]] = field(default_factory=OrderedDict)

    def __len__(self) -> int:
        return sum(len(tickets) for tickets in self._waiting.values())

    def join(self, key: str) -> Ticket:
        ticket = Ticket(key)
        self._waiting.setdefault(key, OrderedDict())[ticket] = None
        return ticket

    def is_next(self, ticket: Ticket) -> bool:
        key = next(iter(self._waiting), None)
        return key == ticket.key and next(iter(self._waiting[ticket.key])) is ticket

    def serve(self, ticket: Ticket) -> None:
        """Take a ticket out that got its place, and let the other audiences go before its next."""
        self.leave(ticket)
        if ticket.key in self._waiting:
            self._waiting.move_to_end(ticket.key)

    def leave(self, ticket: Ticket) -> None:
        """Take a ticket out, served or not. Harmless when repeated."""
        tickets = self._waiting.get(ticket.key)
        if tickets is not None:
            tickets.pop(ticket, None)
            if not tickets:
                del self._waiting[ticket.key]
