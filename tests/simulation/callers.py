"""What callers say of members, and what is true once it was answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

from tests.simulation.process import EPOCH

NAME_FIELDS: Final = ("first_name", "last_name", "zip")


@dataclass(frozen=True, slots=True)
class Someone:
    """What a caller says of a member; no identifiers: present with nothing to match."""

    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """First name, last name and zip, or nothing."""

    def single(self) -> dict[str, str]:
        return dict(zip(NAME_FIELDS, self.names, strict=True)) if self.names else {}


@dataclass(slots=True)
class Truth:
    """What callers were told to be durable, by member; None: left.

    A member is spoken of either always with a time, or never: what both together mean depends on when
    exactly a change without a time arrived.
    """

    members: dict[str, Someone | None] = field(default_factory=dict)
    said_at: dict[str, float] = field(default_factory=dict)
    """Seconds of the loop, of members that are spoken of with a time."""
    list_began_at: float | None = None
    """Seconds of the loop: when the last list began that told of everybody."""

    def hear(self, members: dict[str, Someone | None], said_at: float | None) -> None:
        """Take in what was answered; what is older than what is known changes nothing."""
        for name, someone in members.items():
            if said_at is not None:
                if said_at < max(self.said_at.get(name, said_at), self.list_began_at or said_at):
                    continue
                self.said_at[name] = said_at
            self.members[name] = someone

    def hear_all(self, members: Mapping[str, Someone], began_at: float) -> None:
        """Take in a list that is everybody there is; it speaks as of its beginning."""
        self.list_began_at = began_at
        self.members = dict.fromkeys(self.members) | dict(members)


def change_of(name: str, someone: Someone | None, said_at: float | None) -> pb.Change:
    """The message of a change; `said_at` is in seconds of the loop."""
    change = pb.Change(operation=pb.Change.OPERATION_REMOVE, member=pb.Member(member_id=name))
    if someone is not None:
        change.operation = pb.Change.OPERATION_ADD
        change.member.emails.extend(someone.emails)
        change.member.phones.extend(someone.phones)
        for name_field, value in someone.single().items():
            setattr(change.member, name_field, value)
    if said_at is not None:
        change.occurred_at.FromDatetime(EPOCH + timedelta(seconds=said_at))
    return change
