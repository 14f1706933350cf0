"""Rows for tests, made of short readable names."""

import hashlib
from collections.abc import Sequence

from service.identifiers import Key, pack_row
from service.sync.log_reading import Entry, added_rows, removed_rows
from service.sync.plan import Holders, Plan, plan_removed


def value(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def a_row(
    *,
    email: str | None = None,
    phone: str | None = None,
    device: str | None = None,
    first_name: str | None = None,
    last_name: str | None = None,
) -> bytes:
    """A packed row; equal names give equal identifiers."""
    values = {
        Key.EMAIL: email and value(f"email {email}"),
        Key.PHONE: phone and value(f"phone {phone}"),
        Key.MADID: device and value(f"device {device}")[:16],
        Key.FN: first_name and value(f"first name {first_name}"),
        Key.LN: last_name and value(f"last name {last_name}"),
    }
    return pack_row({key: found for key, found in values.items() if found})


def plan_of(log: Sequence[Entry], holders: Holders | None = None) -> Plan:
    """The plan of a window of the log, as a sync makes it."""
    removed = plan_removed(removed_rows(log), holders or Holders())
    return Plan.joined([Plan(additions=added_rows(log)), removed])
