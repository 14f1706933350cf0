"""Tells what a day of the demo did: one table a day, and whether the audience is exact."""

from collections import Counter
from dataclasses import dataclass, field

from audiencesync.v1 import audience_sync_pb2 as pb
from rich.table import Table

from service.cli.dropped import key_name, reason_name
from service.cli.sync import seconds_of, state_name


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReport:
    """One day: what was sent, what came of it, and what the fake knows to be true."""

    title: str
    members: int
    """Members present at the end of the day."""
    sync: pb.Sync
    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)
    unmatchable: int
    matched_members: int
    """Members who match somebody on Facebook."""
    inside: frozenset[str]
    """Ids of the people in the audience."""
    wanted: frozenset[str]
    """Ids of the people whom the members match."""

    @property
    def exact(self) -> bool:
        """Whether the right people are inside, and nobody else."""
        return self.inside == self.wanted


def count_dropped(answers: list[pb.UpdateMembershipResponse]) -> Counter[tuple[str, str]]:
    """Dropped identifiers of several answers, by kind and reason."""
    dropped: Counter[tuple[str, str]] = Counter()
    for answer in answers:
        for entry in answer.dropped_identifiers:
            dropped[key_name(entry.key), reason_name(entry.reason)] += entry.count
    return dropped


def day_table(day: DayReport) -> Table:
    """Lay out a day."""
    table = Table(title=day.title, title_justify="left", show_header=False, min_width=64)
    for label, text in _lines(day).items():
        table.add_row(label, text)
    return table


def verdict(day: DayReport) -> str:
    """EXACT, or how many people are missing and how many should not be there."""
    if day.exact:
        return f"EXACT: the {len(day.inside):,} people whom the members match, and nobody else"
    missing, surplus = sorted(day.wanted - day.inside), sorted(day.inside - day.wanted)
    return (
        f"NOT EXACT: {len(missing):,} missing ({_some(missing)}), "
        f"{len(surplus):,} too many ({_some(surplus)})"
    )


def _lines(day: DayReport) -> dict[str, str]:
    sync = day.sync
    sent = sync.rows_added + sync.rows_removed + sync.rows_invalid + sync.rows_carried_over
    seconds = seconds_of(sync)
    rate = f"{sent / seconds:,.0f}" if seconds else "-"
    error = f" ({sync.error.reason}: {sync.error.message})" if sync.HasField("error") else ""
    return {
        "members": f"{day.members:,} ({day.unmatchable:,} with nothing that could find them)",
        "sync": state_name(sync) + error,
        "rows planned": f"{sync.rows_to_add:,} to add, {sync.rows_to_remove:,} to remove",
        "rows accepted": f"{sync.rows_added:,} added, {sync.rows_removed:,} removed",
        "rows refused as invalid": f"{sync.rows_invalid:,}",
        "rows carried over": f"{sync.rows_carried_over:,}",
        "identifiers dropped": _dropped_text(day.dropped),
        "people in the audience": f"{len(day.inside):,}",
        "match rate": f"{day.matched_members / max(day.members, 1):.1%} of the members",
        "calls to Facebook": f"{sync.calls:,}",
        "rows per second": f"{rate} ({seconds:.2f} s)",
    }


def _dropped_text(dropped: Counter[tuple[str, str]]) -> str:
    lines = [f"{count:,} {key}: {reason}" for (key, reason), count in dropped.most_common()]
    return "\n".join([f"{dropped.total():,}", *lines])


def _some(ids: list[str]) -> str:
    shown = ", ".join(ids[:3])
    return f"{shown} ..." if len(ids) > len(ids[:3]) else shown or "none"
