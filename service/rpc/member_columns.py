"""Reads members that come as columns: their texts by key, and one of them as a member alone. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from audiencesync.v1 import audience_sync_pb2 as pb

from service.identifiers.keys import STRONG_KEYS, Key
from service.identifiers.members import RawMember

FIELDS: Final[Mapping[Key, str]] = {
    Key.EMAIL: "emails",
    Key.PHONE: "phones",
    Key.MADID: "mobile_ad_ids",
    Key.FN: "first_names",
    Key.LN: "last_names",
    Key.GEN: "genders",
    Key.DOBY: "birth_years",
    Key.DOBM: "birth_months",
    Key.DOBD: "birth_days",
    Key.CT: "cities",
    Key.ST: "states",
    Key.ZIP: "zips",
    Key.COUNTRY: "countries",
}
"""The field of columns for each key."""

MEMBER_FIELDS: Final = {
    **{key: FIELDS[key] for key in STRONG_KEYS},
    Key.FN: "first_name",
    Key.LN: "last_name",
    Key.GEN: "gender",
    Key.DOBY: "birth_year",
    Key.DOBM: "birth_month",
    Key.DOBD: "birth_day",
    Key.CT: "city",
    Key.ST: "state",
    Key.ZIP: "zip",
    Key.COUNTRY: "country",
}
"""The field of a member alone for each key."""


@dataclass(frozen=True, slots=True)
class ListedMembers:
    """Ids, and of each key that anybody has one text for each of them, blank where unknown."""

    ids: Sequence[str]
    texts: Mapping[Key, Sequence[str]]

    def at(self, places: Sequence[int]) -> "ListedMembers":
        """Those at these places."""
        texts = {key: [column[at] for at in places] for key, column in self.texts.items()}
        return ListedMembers([self.ids[at] for at in places], texts)

    def member(self, place: int) -> RawMember:
        """One member, as if they had come alone."""
        fields: dict[str, Any] = {}
        for key, column in self.texts.items():
            text = column[place]
            fields[MEMBER_FIELDS[key]] = (text,) if key in STRONG_KEYS else text
        return RawMember(**fields)


def listed_members(columns: pb.MemberColumns) -> ListedMembers:
    """The members of columns; of who leaves, the ids alone."""
    return ListedMembers(columns.member_ids[:], dict(texts_by_key(columns)))


def texts_by_key(columns: pb.MemberColumns) -> Iterator[tuple[Key, Sequence[str]]]:
    """Of each key that anybody has one text for each member; of who leaves, nothing."""
    if columns.operation == pb.Change.OPERATION_REMOVE:
        return
    for key, name in FIELDS.items():
        if column := getattr(columns, name)[:]:
            yield key, column
