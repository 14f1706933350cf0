"""Owns the fixtures for tests of any project: `-p fakefb.pytest_plugin`, or `pytest_plugins`.

It imports nothing heavy, because pytest loads it whether or not a test uses the fake.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fakefb.remote import FakeFacebook


@pytest.fixture(scope="session")
def fakefb_session() -> Iterator["FakeFacebook"]:
    """One fake for the whole run; nothing resets it but the tests themselves."""
    from fakefb.threaded import fake_in_thread  # noqa: PLC0415 - only when a test wants a fake

    with fake_in_thread() as fake:
        yield fake


@pytest.fixture
def fakefb(fakefb_session: "FakeFacebook") -> "FakeFacebook":
    """Return the fake of this run, reset before the test, faults and clock included."""
    fakefb_session.reset()
    return fakefb_session
