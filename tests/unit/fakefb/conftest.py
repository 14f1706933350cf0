"""A fresh fake for each test, and a client that speaks to both of its ports."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from fakefb.testing import running_fake
from tests.unit.fakefb.client import FakeClient


@pytest.fixture
async def fake() -> AsyncIterator[FakeClient]:
    async with running_fake() as running, aiohttp.ClientSession() as session:
        yield FakeClient(running, session)
