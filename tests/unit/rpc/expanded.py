"""Writes members that come as columns out as the changes that they stand for."""

from collections.abc import Sequence
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

_LISTS: Final = ("emails", "phones", "mobile_ad_ids")
_TEXTS: Final = {
    "first_names": "first_name",
    "last_names": "last_name",
    "genders": "gender",
    "birth_years": "birth_year",
    "birth_months": "birth_month",
    "birth_days": "birth_day",
    "cities": "city",
    "states": "state",
    "zips": "zip",
    "countries": "country",
}


def changes_of(columns: pb.MemberColumns) -> Sequence[pb.Change]:
    """One change for each member, in their order."""
    changes = []
    for place, member_id in enumerate(columns.member_ids):
        member = pb.Member(member_id=member_id)
        for name in _LISTS:
            getattr(member, name).extend(getattr(columns, name)[place : place + 1])
        for name, field in _TEXTS.items():
            if texts := getattr(columns, name):
                setattr(member, field, texts[place])
        changes.append(pb.Change(operation=columns.operation, member=member))
    return changes


def changes_in(chunk: pb.ImportChunk) -> Sequence[pb.Change]:
    """The changes of a chunk of either form."""
    return [*chunk.changes, *changes_of(chunk.members)]
