"""Owns the two sites of one fake: Graph and admin, each on its own port."""

import ipaddress
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from fakefb.admin_accounts import AccountRoutes
from fakefb.admin_audiences import AudienceRoutes
from fakefb.admin_control import ControlRoutes
from fakefb.admin_explain import ExplainRoutes
from fakefb.admin_faults import FaultRoutes
from fakefb.admin_http import json_errors
from fakefb.admin_people import PeopleRoutes
from fakefb.admin_requests import RequestRoutes
from fakefb.admin_time import TimeRoutes
from fakefb.graph_port import GraphPort
from fakefb.page_routes import PageRoutes
from fakefb.parameters import BODY_BYTES_MAX
from fakefb.profiles import Profile
from fakefb.state import FakeState

LINE_BYTES_MAX: Final = 8 * 1024 * 1024
"""Longest request line that is read, in bytes, so that a long URL gets Meta's answer, not ours."""
SHUTDOWN_S: Final = 0.2
"""Seconds that open calls get when the fake ends."""


class NotLoopback(Exception):
    """The host is reachable from outside, and that was not allowed."""


@dataclass(frozen=True, slots=True)
class RunningFake:
    """A fake that answers: its two addresses without a slash at the end, and its state."""

    graph_url: str
    admin_url: str
    state: FakeState


@asynccontextmanager
async def serving(
    *,
    host: str = "127.0.0.1",
    graph_port: int = 0,
    admin_port: int = 0,
    seed: int = 0,
    grumpy: bool = False,
    allow_remote: bool = False,
) -> AsyncIterator[RunningFake]:
    """Serve a fresh fake until the block ends; port 0 = any free one.

    A grumpy one lets a few per cent of everything go wrong.

    Raises: NotLoopback when `host` is not this machine alone and `allow_remote` is not given;
    OSError when a port is taken.
    """
    if not allow_remote and not is_loopback(host):
        raise NotLoopback(f"{host} can be reached from outside; say --allow-remote to mean it")
    profile = Profile.GRUMPY if grumpy else Profile.CALM
    wall = time.time  # noqa: TID251 - this is where time comes in
    state = FakeState(wall=wall, seed=seed, profile=profile)
    graph, admin = _runner(GraphPort(state).application()), _runner(_admin_application(state))
    try:
        graph_url = await _listen(graph, host, graph_port)
        admin_url = await _listen(admin, host, admin_port)
        yield RunningFake(graph_url, admin_url, state)
    finally:
        state.closing.set()
        await graph.cleanup()
        await admin.cleanup()


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches the host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _admin_application(state: FakeState) -> web.Application:
    application = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[json_errors])
    groups = (
        ControlRoutes(state),
        AccountRoutes(state),
        AudienceRoutes(state),
        PeopleRoutes(state),
        ExplainRoutes(state),
        FaultRoutes(state),
        TimeRoutes(state),
        RequestRoutes(state),
        PageRoutes(state),
    )
    for group in groups:
        application.add_routes(group.routes())
    return application


def _runner(application: web.Application) -> web.AppRunner:
    return web.AppRunner(
        application,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=SHUTDOWN_S,
        max_line_size=LINE_BYTES_MAX,
    )


async def _listen(runner: web.AppRunner, host: str, port: int) -> str:
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    bound = runner.addresses[0][1]
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{bound}"
