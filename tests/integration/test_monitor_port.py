"""Who is told what on the port for operators."""

from collections.abc import AsyncIterator, Mapping, Sequence

import aiohttp
import pytest
from structlog.testing import capture_logs

from service.monitor.http_port import Pages, monitor_port

pytestmark = pytest.mark.timeout(20)

TOKEN = "0123456789abcdef"


async def told() -> str:
    return "metrics\n"


async def well() -> Sequence[str]:
    return ()


async def unready() -> Sequence[str]:
    return ["draining"]


PAGES = Pages(metrics=told, healthz=well, readyz=unready)


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """Of a port that asks for a token."""
    async with monitor_port("127.0.0.1:0", PAGES, token=TOKEN) as listening:
        yield listening


async def ask(
    address: str, page: str, headers: Mapping[str, str] | None = None
) -> tuple[int, str, Mapping[str, str]]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{address}/{page}", headers=headers) as answer,
    ):
        return answer.status, await answer.text(), answer.headers


@pytest.mark.parametrize("shown", [f"Bearer {TOKEN}", f"bearer  {TOKEN} "])
async def test_metrics_are_told_to_who_shows_the_token(address: str, shown: str) -> None:
    status, text, _ = await ask(address, "metrics", {"Authorization": shown})
    assert (status, text) == (200, "metrics\n")


@pytest.mark.parametrize(
    "shown",
    ["", "Bearer", "Bearer ", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"],
)
async def test_metrics_are_told_to_nobody_else_and_the_log_says_so(
    address: str, shown: str
) -> None:
    with capture_logs() as lines:
        status, text, headers = await ask(address, "metrics", {"Authorization": shown})
    assert (status, text, headers["WWW-Authenticate"]) == (401, "", "Bearer")
    (line,) = [one for one in lines if one["event"] == "scrape refused"]
    assert line["peer"] == "127.0.0.1"
    assert TOKEN not in str(lines)


async def test_probes_need_no_token(address: str) -> None:
    assert (await ask(address, "healthz"))[:2] == (200, "ok\n")
    assert (await ask(address, "readyz"))[:2] == (503, "draining\n")


async def test_without_a_token_nobody_is_asked_for_one() -> None:
    async with monitor_port("127.0.0.1:0", PAGES, token=None) as address:
        assert (await ask(address, "metrics"))[:2] == (200, "metrics\n")
