"""A fake in a thread of its own, and the official SDK, whose calls block, pointed at it."""

from collections.abc import Iterator

import pytest
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

from fakefb.testing import FakeFacebook, fake_in_thread

TOKEN = "fake-token"
APP_ID, APP_SECRET = "5550001", "fake-app-secret"


@pytest.fixture(scope="session")
def running() -> Iterator[FakeFacebook]:
    """One fake for all tests here; `world` makes it fresh for each."""
    with fake_in_thread(seed=3) as fake:
        yield fake


@pytest.fixture
def world(running: FakeFacebook, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeFacebook]:
    """A fresh fake, and the SDK pointed at it."""
    monkeypatch.setattr(FacebookSession, "GRAPH", running.graph_url)
    api = FacebookAdsApi.init(APP_ID, APP_SECRET, TOKEN, crash_log=False)
    running.reset()
    yield running
    api._session.requests.close()


@pytest.fixture
def account(world: FakeFacebook) -> AdAccount:
    """The ready ad account, as the SDK's object."""
    return AdAccount("act_1000000001")
