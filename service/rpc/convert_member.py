"""Converts members of the contract to what the rules of identifiers read."""

from collections import Counter
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

from service.identifiers.keys import DropReason, Key
from service.identifiers.members import RawMember

IDENTIFIERS_READ_MAX: Final = 1_000
"""Identifiers of one kind of one member that are looked at; the rest is counted as too many."""


def raw_member(member: pb.Member) -> RawMember:
    """Convert a member, its lists cut to IDENTIFIERS_READ_MAX."""
    return RawMember(
        emails=tuple(member.emails[:IDENTIFIERS_READ_MAX]),
        phones=tuple(member.phones[:IDENTIFIERS_READ_MAX]),
        mobile_ad_ids=tuple(member.mobile_ad_ids[:IDENTIFIERS_READ_MAX]),
        first_name=member.first_name,
        last_name=member.last_name,
        gender=member.gender,
        birth_year=member.birth_year,
        birth_month=member.birth_month,
        birth_day=member.birth_day,
        city=member.city,
        state=member.state,
        zip=member.zip,
        country=member.country,
        traits=dict(member.traits),
    )


def cut_off(member: pb.Member) -> Counter[tuple[Key, DropReason]]:
    """What `raw_member` left out, by kind and reason."""
    lists = {Key.EMAIL: member.emails, Key.PHONE: member.phones, Key.MADID: member.mobile_ad_ids}
    return Counter(
        {
            (key, DropReason.TOO_MANY): len(values) - IDENTIFIERS_READ_MAX
            for key, values in lists.items()
            if len(values) > IDENTIFIERS_READ_MAX
        }
    )
