"""Owns calls of the Graph port without a socket: for tests that run a fake on a clock of their own."""

import asyncio
from collections.abc import Mapping
from typing import Final

import orjson

from fakefb.answers import Answer, error_answer
from fakefb.call import Call
from fakefb.fault_effects import CutConnection, Line
from fakefb.graph_errors import GraphError
from fakefb.graph_port import GraphPort, note_answer
from fakefb.parameters import Parameters
from fakefb.state import FakeState
from fakefb.versions import split_version

_BASE_URL: Final = "http://in-process"


class InProcessGraph:
    """Answers calls as the Graph port of this state does."""

    def __init__(self, state: FakeState) -> None:
        self._state = state
        self._port = GraphPort(state)

    async def exchange(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str],
        body: bytes | None,
        bearer: str | None,
        line: Line,
    ) -> Answer:
        """Answer one call with all its headers; `body` is a JSON object.

        Raises: CutConnection where there is to be no answer.
        """
        state = self._state
        entry = state.journal.begin(time=state.clock.now(), method=method, path=path)
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            version, parts = split_version(path)
            call = Call(
                state=state,
                method=method,
                parts=parts,
                base_url=f"{_BASE_URL}/{version}",
                parameters=Parameters({**query, **(orjson.loads(body) if body else {})}),
                bearer=bearer,
                entry=entry,
                now=state.clock.now(),
            )
            answer = await self._answer(call, line)
            note_answer(entry, answer)
        finally:
            state.journal.end(entry, loop.time() - began)
        headers = self._port.headers(call, version, answer)
        whole = {**headers, "Content-Type": answer.content_type}
        return Answer(answer.status, answer.body, answer.content_type, whole, answer.payload)

    async def _answer(self, call: Call, line: Line) -> Answer:
        try:
            return await self._port.answer(call, line)
        except GraphError as refusal:
            return error_answer(refusal, self._state.trace_id())


__all__ = ["CutConnection", "InProcessGraph"]
