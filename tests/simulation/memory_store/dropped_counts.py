"""Stands for `dropped_counts.sql`."""

from tests.simulation.memory_store.named import named
from tests.simulation.memory_store.session import Session


@named("add_dropped_counts")
def add_dropped_counts(
    s: Session,
    *,
    audience_no: int,
    day: int,
    keys: list[int],
    reasons: list[int],
    counts: list[int],
) -> int:
    table = s.tables.dropped_count.of(audience_no)
    for key, reason, count in zip(keys, reasons, counts, strict=True):
        place = (day, key, reason)
        known = table.rows.get(place)
        row = {"audience_no": audience_no, "day": day, "key": key, "reason": reason}
        table.put(place, {**row, "dropped": count + (known["dropped"] if known else 0)})
    return len(keys)


@named("forget_dropped_counts")
def forget_dropped_counts(s: Session, *, audience_no: int, before_day: int) -> int:
    table = s.tables.dropped_count.of(audience_no)
    old = [place for place in table.rows if place[0] < before_day]
    for place in old:
        table.remove(place)
    return len(old)
