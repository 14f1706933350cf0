"""Tells what of a list could not be used: in a few words while it is sent, in a table at its end."""

from collections import Counter
from collections.abc import Iterable
from typing import Final, TypeAlias

from audiencesync.v1 import audience_sync_pb2 as pb
from rich.table import Table

REASONS_TOLD_MAX: Final = 2
"""Reasons that are told in a line; the table has all."""

Dropped: TypeAlias = Counter[tuple[str, str]]
"""How many identifiers were dropped, by the names of their kind and of the reason."""


def key_name(key: "pb.Key.ValueType") -> str:
    """The name of an identifier's kind, also when this program is older than the service."""
    return pb.Key.Name(key).removeprefix("KEY_") if key in pb.Key.values() else str(key)


def reason_name(reason: "pb.DropReason.ValueType") -> str:
    """The reason in words, also when this program is older than the service."""
    if reason not in pb.DropReason.values():
        return str(reason)
    return pb.DropReason.Name(reason).removeprefix("DROP_REASON_").replace("_", " ").lower()


def dropped_counts(dropped: Iterable[pb.DroppedIdentifier]) -> Dropped:
    """What the service tells, by names for a person."""
    return Counter({(key_name(one.key), reason_name(one.reason)): one.count for one in dropped})


def dropped_line(dropped: Dropped) -> str:
    """How many were dropped, and most of them why; "" for none."""
    if not dropped:
        return ""
    most = dropped.most_common(REASONS_TOLD_MAX)
    told = ", ".join(f"{count:,} {key} {reason}" for (key, reason), count in most)
    more = " ..." if len(dropped) > REASONS_TOLD_MAX else ""
    return f"{dropped.total():,} dropped: {told}{more}"


def dropped_table(dropped: Dropped) -> Table:
    """Lay out the identifiers that could not be used, most frequent first."""
    table = Table("identifier", "why it was dropped", title="Dropped identifiers")
    table.add_column("count", justify="right")
    for (key, reason), count in dropped.most_common():
        table.add_row(key, reason, f"{count:,}")
    return table
