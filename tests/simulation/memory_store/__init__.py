"""Postgres as the service's store sees it, in memory: each named query has its twin in Python.

`tests/integration/test_store_contract.py` holds both to the same answers.
"""

from tests.simulation.memory_store import (
    ad_accounts,
    audiences,
    change_log,
    leases,
    membership,
    merge,
    requests,
    syncs,
    work,
)
from tests.simulation.memory_store.database import MemoryDatabase

TWINS = (ad_accounts, audiences, change_log, leases, membership, merge, requests, syncs, work)

__all__ = ["TWINS", "MemoryDatabase"]
