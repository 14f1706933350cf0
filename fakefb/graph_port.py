"""Owns the Graph port: from an HTTP request through faults and routes to an answer."""

import asyncio
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from aiohttp import web

from fakefb import graph_errors
from fakefb.answers import Answer, common_headers, error_answer, html_answer, json_answer
from fakefb.batches import run_batch
from fakefb.call import Call
from fakefb.fault_effects import CutConnection, Line, perform_faulty
from fakefb.graph_errors import GraphError, HtmlRefusal
from fakefb.journal import Entry
from fakefb.parameters import BODY_BYTES_MAX, Parameters, read_parameters
from fakefb.payload import row_count
from fakefb.routes import BATCH, Route, find_route, no_route
from fakefb.state import FakeState
from fakefb.usage_headers import usage_headers
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
            answer = await self.answer(call, _RequestLine(request), self._run_batch)
        except GraphError as e:
            answer = error_answer(e, self._state.trace_id())
        note_answer(entry, answer)
        headers = self.headers(call, version, answer)
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    def headers(self, call: Call | None, version: str, answer: Answer) -> dict[str, str]:
        """Return all headers of an answer."""
        usage = {} if call is None else usage_headers(call)
        headers = common_headers(version, self._state.trace_id()) | usage
        return headers | {"Content-Type": answer.content_type, **answer.headers}

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

    async def _run_batch(self, call: Call) -> Answer:
        async def answer_item(item: Call) -> Answer | None:
            began = asyncio.get_running_loop().time()
            try:
                answer = await self.answer(item, _HungUp())
                note_answer(item.entry, answer)
            except CutConnection:
                return None
            finally:
                self._state.journal.end(item.entry, asyncio.get_running_loop().time() - began)
            return replace(answer, headers=self.headers(item, DEFAULT, answer))

        try:
            return await run_batch(call, answer_item)
        except GraphError as e:
            return error_answer(e, self._state.trace_id())

    async def answer(
        self, call: Call, line: Line, run: Callable[[Call], Awaitable[Answer]] | None = None
    ) -> Answer:
        """Answer a call through faults and routes; `run` does so for a batch.

        Raises: CutConnection where there is to be no answer.
        """
        state = self._state
        route = find_route(call.method, call.parts)
        _describe(call, route)
        rule = state.faults.pick(
            method=call.method,
            path="/" + "/".join(call.parts),
            operation=call.entry.operation,
            custom_audience_id=call.entry.custom_audience_id,
        )

        async def perform() -> Answer:
            if run is not None and call.entry.operation == BATCH:
                return await run(call)
            return self._perform(call, route)

        if rule is not None:
            call.entry.fault = rule.name
            return await perform_faulty(rule.effect, call, perform, line)
        answer = await perform()
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


def note_answer(entry: Entry, answer: Answer) -> None:
    """Keep in the journal what was said."""
    entry.status = answer.status
    if answer.error is not None:
        entry.error_code, entry.error_subcode = answer.error.code, answer.error.subcode


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


class _RequestLine:
    """The connection of one request."""

    def __init__(self, request: web.Request) -> None:
        self._request = request

    def is_gone(self) -> bool:
        """Tell whether the caller has hung up."""
        return self._request.transport is None or self._request.transport.is_closing()

    def reset(self) -> None:
        """Send a TCP reset now."""
        transport = self._request.transport
        if transport is not None:
            _no_linger(transport.get_extra_info("socket"))
            transport.abort()


class _HungUp:
    """The line of a batch item: nobody waits for it alone, so that a lost answer is none."""

    def is_gone(self) -> bool:
        """Tell that nobody waits."""
        return True

    def reset(self) -> None:
        """Do nothing; the batch goes on."""


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
            _RequestLine(request).reset()
        else:
            transport.close()
    return response


def _no_linger(connection: socket.socket | None) -> None:
    if connection is not None:
        # Zero seconds of linger make the kernel send a reset instead of a proper end.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
