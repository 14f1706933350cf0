"""A Facebook of few answers: a token, an ad account, a Custom Audience."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(slots=True)
class GraphDouble:
    """What it will answer; tests change it between calls."""

    url: str = ""
    token: dict[str, object] = field(
        default_factory=lambda: {
            "app_id": "555",
            "is_valid": True,
            "expires_at": 0,
            "scopes": ["ads_read", "ads_management"],
        }
    )
    account: dict[str, object] = field(
        default_factory=lambda: {
            "name": "Shop",
            "account_status": 1,
            "tos_accepted": {"custom_audience_tos": 1},
        }
    )
    custom_audience: dict[str, object] = field(default_factory=dict)
    token_failure: web.Response | None = None
    account_failure: web.Response | None = None
    silence: asyncio.Event | None = None
    """Nothing is answered before it is set."""
    paths: list[str] = field(default_factory=list)
    bearers: list[str] = field(default_factory=list)

    def fail_token(self, code: int, subcode: int = 0, *, http_status: int = 400) -> None:
        self.token_failure = _envelope(code, subcode, http_status)

    def fail_account(self, code: int, subcode: int = 0, *, http_status: int = 400) -> None:
        self.account_failure = _envelope(code, subcode, http_status)

    async def debug_token(self, request: web.Request) -> web.Response:
        await self._note(request)
        return self.token_failure or web.json_response({"data": self.token})

    async def read_account(self, request: web.Request) -> web.Response:
        await self._note(request)
        answer = {"id": request.match_info["account"], **self.account}
        return self.account_failure or web.json_response(answer)

    async def read_custom_audience(self, request: web.Request) -> web.Response:
        await self._note(request)
        return web.json_response({"id": request.match_info["audience"], **self.custom_audience})

    async def _note(self, request: web.Request) -> None:
        self.paths.append(request.path)
        self.bearers.append(request.headers.get("Authorization", ""))
        if self.silence is not None:
            await self.silence.wait()


def _envelope(code: int, subcode: int, http_status: int) -> web.Response:
    error = {
        "message": "Made up for a test",
        "type": "OAuthException",
        "code": code,
        "error_subcode": subcode,
        "fbtrace_id": "A_trace",
    }
    return web.json_response({"error": error}, status=http_status)


@asynccontextmanager
async def running_graph_double() -> AsyncIterator[GraphDouble]:
    double = GraphDouble()
    app = web.Application()
    app.router.add_get("/v26.0/debug_token", double.debug_token)
    app.router.add_get("/v26.0/{account:act_[0-9]+}", double.read_account)
    app.router.add_get("/v26.0/{audience:[0-9]+}", double.read_custom_audience)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    double.url = f"http://{host}:{port}"
    try:
        yield double
    finally:
        await runner.cleanup()
