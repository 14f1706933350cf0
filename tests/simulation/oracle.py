"""What must hold of the database at the end of every history."""

import re
from datetime import datetime
from typing import Any

from service.store.sync_ids import decode_sync_id
from tests.simulation.events import EMAILS, MEMBERS, PHONES
from tests.simulation.memory_store import MemoryDatabase

PLAIN_LETTERS = 12
"""Letters of a plain word by which it is known again."""
PLAIN = re.compile(
    b"|".join(
        re.escape(text.encode()[:PLAIN_LETTERS])
        for text in (*EMAILS, *MEMBERS, *(p.lstrip("+") for p in PHONES), "fake-token")
    )
)
"""How the plain words of callers and of the ad account begin."""
ENDED = ("SUCCEEDED", "PARTIALLY_SUCCEEDED", "FAILED", "CANCELLED")


def the_work(database: MemoryDatabase) -> dict[str, Any]:
    (work,) = database.rows("audience_work")
    return work


def is_quiet(database: MemoryDatabase) -> bool:
    """Whether nothing is left to do but what is scheduled."""
    work = the_work(database)
    (audience,) = database.rows("audience")
    return (
        work["synced_revision"] == audience["revision"]
        and work["recheck_from"] is None
        and work["blocked_reason"] is None
        and work["lease_holder"] is None
        and all(sync["state"] in ENDED for sync in database.rows("sync"))
    )


def state_of(database: MemoryDatabase, sync_id: str) -> str:
    """The state of a sync; that of one that is lost is as if it had failed."""
    numbers = decode_sync_id(sync_id)
    rows = database.rows("sync")
    states = [row["state"] for row in rows if (row["audience_no"], row["sync_no"]) == numbers]
    return states[0] if states else "FAILED"


def unrest(database: MemoryDatabase) -> dict[str, Any]:
    """What keeps it from being quiet, for a person."""
    work = the_work(database)
    (audience,) = database.rows("audience")
    told = ("synced_revision", "recheck_from", "recheck_at", "blocked_reason", "lease_holder")
    syncs = [
        {key: sync[key] for key in ("sync_no", "mode", "state", "error_reason", "error_message")}
        for sync in database.rows("sync")[-3:]
    ]
    return {key: work[key] for key in told} | {"revision": audience["revision"], "syncs": syncs}


def audit_database(database: MemoryDatabase) -> list[str]:
    """Sums that do not balance, counters that are wrong, and plain identifiers."""
    findings = []
    for sync in database.rows("sync"):
        findings += _audit_sync(sync)
    findings += _audit_counters(database)
    findings += [f"plain {text!r} in {place}" for place, text in _plain_texts(database)]
    return findings


def _audit_sync(sync: dict[str, Any]) -> list[str]:
    sent = sync["rows_to_add"] + sync["rows_to_remove"]
    parts = ("rows_added", "rows_removed", "rows_invalid", "rows_carried_over", "rows_unknown")
    ended = sum(sync[part] for part in parts)
    found = []
    if sent != ended:
        found.append(f"sync {sync['sync_no']}: {sent} rows sent, {ended} accounted for")
    if sync["rows_unknown"] and sync["state"] != "FAILED":
        found.append(f"sync {sync['sync_no']}: unknown rows in a {sync['state']} one")
    if sync["state"] == "SUCCEEDED" and sync["rows_invalid"] + sync["rows_carried_over"]:
        found.append(f"sync {sync['sync_no']}: succeeded with losses")
    return found


def _audit_counters(database: MemoryDatabase) -> list[str]:
    (audience,) = database.rows("audience")
    members = {row["member_key"] for row in database.rows("member")}
    if audience["member_count"] != len(members):
        return [f"member_count {audience['member_count']}, members {len(members)}"]
    return []


def _plain_texts(database: MemoryDatabase) -> list[tuple[str, bytes]]:
    found = []
    for table in database.tables():
        for row in database.rows(table):
            for column, value in row.items():
                found += [(f"{table}.{column}", plain) for plain in PLAIN.findall(_bytes_of(value))]
    return found


def _bytes_of(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    return b"" if value is None or isinstance(value, datetime) else str(value).encode()
