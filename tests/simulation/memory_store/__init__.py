"""An in-memory double of Postgres for the service's store: same queries, serial transactions.

Every named text of `service/store/sql` has a function here that does the same to rows in dicts.
What is not mirrored: transactions run one after the other, so nothing is skipped because it is
locked; types, `not null` and ranges of integers are not checked; ties are broken by insertion order.
"""

from tests.simulation.memory_store import (
    account_pace,
    ad_accounts,
    audiences,
    audit_events,
    change_log,
    dropped_counts,
    held_work,
    imports,
    leases,
    membership,
    merge,
    monitoring,
    planned_again,
    requests,
    sync_progress,
    syncs,
)
from tests.simulation.memory_store.database import Mark, MemoryDatabase
from tests.simulation.memory_store.named import IMPLEMENTED

__all__ = [
    "IMPLEMENTED",
    "Mark",
    "MemoryDatabase",
    "account_pace",
    "ad_accounts",
    "audiences",
    "audit_events",
    "change_log",
    "dropped_counts",
    "held_work",
    "imports",
    "leases",
    "membership",
    "merge",
    "monitoring",
    "planned_again",
    "requests",
    "sync_progress",
    "syncs",
]
