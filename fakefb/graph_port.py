"""Owns the Graph port: from an HTTP request through faults and routes to an answer."""

import asyncio
import re
import socket
import struct
from typing import Final

from aiohttp import web

from fakefb import graph_errors
from fakefb.answers import Answer, common_headers, error_answer, html_answer, json_answer
from fakefb.call import Call
from fakefb.fault_effects import CutConnection, perform_faulty
from fakefb.graph_errors import GraphError, HtmlRefusal
from fakefb.journal import Entry
from fakefb.parameters import BODY_BYTES_MAX, Parameters, read_parameters
from fakefb.payload import row_count
from fakefb.routes import Route, find_route, no_route
from fakefb.state import FakeState
from fakefb.versions import DEFAULT, split_version

URL_BYTES_MAX: Final = 22 * 1024
"""A longer URL is answered with a connection reset."""


class GraphPort:
    """Answers every request of one fake's Graph port."""

    def __init__(self, state: FakeState) -> None:
        self._state = state

    def application(self) -> web.Application:
        """Return the web application of the port."""
        application = web.Application(client_max_size=BODY_BYTES_MAX)
        application.router.add_route("*", "/{path:.*}", self.handle)
        return application

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request and keep its entry in the journal."""
        state = self._state
        entry = state.journal.begin(
            time=state.clock.now(), method=request.method, path=_printable(request.path)
        )
        began = asyncio.get_running_loop().time()
        try:
            return await self._respond(request, entry)
        except CutConnection as cut:
            return await _cut(request, cut.answer)
        finally:
            state.journal.end(entry, asyncio.get_running_loop().time() - began)

    async def _respond(self, request: web.Request, entry: Entry) -> web.StreamResponse:
        if len(request.raw_path) > URL_BYTES_MAX:
            raise CutConnection
        call: Call | None = None
        version = DEFAULT
        try:
            version, parts = split_version(_printable(request.path))
            call = await self._read_call(request, entry, version, parts)
            answer = await self._answer(request, call)
        except GraphError as e:
            answer = error_answer(e, self._state.trace_id())
        entry.status = answer.status
        if answer.error is not None:
            entry.error_code, entry.error_subcode = answer.error.code, answer.error.subcode
        headers = {**common_headers(version, self._state.trace_id(), self._usage(call))}
        headers |= {"Content-Type": answer.content_type, **answer.headers}
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    async def _read_call(
        self, request: web.Request, entry: Entry, version: str, parts: list[str]
    ) -> Call:
        parameters = await read_parameters(request)
        method = entry.method = _method(request.method, parameters)
        return Call(
            state=self._state,
            method=method,
            parts=parts,
            base_url=f"{request.url.origin()}/{version}",
            parameters=parameters,
            bearer=_bearer(request),
            entry=entry,
            now=self._state.clock.now(),
        )

    async def _answer(self, request: web.Request, call: Call) -> Answer:
        state = self._state
        route = find_route(call.method, call.parts)
        _describe(call, route)
        rule = state.faults.pick(
            method=call.method, path="/" + "/".join(call.parts), operation=call.entry.operation
        )

        def perform() -> Answer:
            return self._perform(call, route)

        if rule is not None:
            call.entry.fault = rule.name
            return await perform_faulty(rule.effect, call, perform, lambda: _is_gone(request))
        answer = perform()
        if state.settings.latency_ms and call.entry.operation in ("add", "remove"):
            await asyncio.sleep(state.settings.latency_ms / 1_000)
        return answer

    def _perform(self, call: Call, route: Route | None) -> Answer:
        try:
            if route is None:
                raise no_route(call.method, call.parts)
            return json_answer(route.answer(call))
        except GraphError as e:
            return error_answer(e, self._state.trace_id())
        except HtmlRefusal as e:
            return html_answer(e.http_status)

    def _usage(self, call: Call | None) -> dict[str, object]:
        if call is None or call.account is None:
            return {}
        audiences = len(self._state.audiences.of(call.account.ad_account_id))
        return {call.account.number: [call.account.usage(call.now, audiences)]}


def _describe(call: Call, route: Route | None) -> None:
    if route is not None:
        call.entry.endpoint, call.entry.operation = route.endpoint, route.operation
    if call.parts and call.parts[0].isascii() and call.parts[0].isdigit():
        call.entry.custom_audience_id = call.parts[0]
    call.entry.rows = row_count(call.parameters.get("payload"))


def _method(method: str, parameters: Parameters) -> str:
    override = parameters.get("method")
    if method != "POST" or override is None:
        return method
    if isinstance(override, str) and override.upper() in ("GET", "POST", "DELETE"):
        return override.upper()
    raise graph_errors.bad_parameter("Param method must be GET, POST or DELETE")


def _bearer(request: web.Request) -> str | None:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() or None if scheme.lower() in ("bearer", "oauth") else None


def _printable(path: str) -> str:
    return re.sub(r"[^\x20-\x7e]", "?", path)


def _is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


async def _cut(request: web.Request, answer: Answer | None) -> web.StreamResponse:
    """Reset the connection for real, after half of the answer's body if there is one."""
    response = web.StreamResponse(status=200 if answer is None else answer.status)
    if answer is not None:
        response.content_length = len(answer.body)
        response.content_type = "application/json"
        await response.prepare(request)
        await response.write(answer.body[: len(answer.body) // 2])
    transport = request.transport
    if transport is not None:
        if answer is None:
            _no_linger(transport.get_extra_info("socket"))
            transport.abort()
        else:
            transport.close()
    return response


def _no_linger(connection: socket.socket | None) -> None:
    if connection is not None:
        # Zero seconds of linger make the kernel send a reset instead of a proper end.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
