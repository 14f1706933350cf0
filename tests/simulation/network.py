"""The way from a simulated process to the fake Facebook, as an HTTP session that has no sockets.

A call lives on at Facebook when its sender has died or has given up; that is what makes it hard.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from fakefb.answers import Answer
from fakefb.in_process import CutConnection, InProcessGraph
from fakefb.state import FakeState
from tests.simulation.process import Process

LATENCY_S_MAX = 0.4
"""Seconds that a call takes on its way at most, and its answer too."""
LEAVING_S_MAX = 0.05
"""Seconds from a decision to call until the call leaves: what is learned meanwhile comes too late."""
PENALTY_S = 55.0
"""Seconds after a refusal in which no call may leave: the service waits 60 at least."""
OPPOSITE = {"POST": "DELETE", "DELETE": "POST"}


@dataclass(slots=True, eq=False)
class Flight:
    """One upload as its sender sees it, until it is answered or surely forgotten."""

    sender: Process
    audience: str
    method: str
    started: float
    timeout_s: float
    answered: bool = False


@dataclass(slots=True)
class Line:
    """The connection of one call."""

    cut: asyncio.Event = field(default_factory=asyncio.Event)
    given_up: bool = False

    def is_gone(self) -> bool:
        return self.given_up

    def reset(self) -> None:
        self.cut.set()


class Network:
    """Everything between the processes and one fake Facebook, with what must never be seen there."""

    def __init__(self, state: FakeState, chance: random.Random) -> None:
        self._graph = InProcessGraph(state)
        self._chance = chance
        self.is_down = False
        self.flights: list[Flight] = []
        self.penalty_until = 0.0
        self.penalty_known_to: dict[int, float] = {}
        self.sins: list[str] = []

    async def serve(self, line: Line, request: "Request") -> Answer:
        """Facebook's side of one call: it does not end with its sender."""
        await asyncio.sleep(self._chance.random() * LATENCY_S_MAX)
        answer = await self._graph.exchange(
            request.method,
            request.url.path,
            query=dict(request.url.query),
            body=request.body,
            bearer=request.bearer,
            line=line,
        )
        await asyncio.sleep(self._chance.random() * LATENCY_S_MAX)
        return answer

    def take_off(self, sender: Process, request: "Request", timeout_s: float) -> Flight | None:
        """Note a call that leaves now, and what is wrong with that."""
        now = asyncio.get_running_loop().time()
        self._look_for_penalty(sender, now)
        parts = request.url.path.split("/")
        if parts[-1] != "users":
            return None
        flight = Flight(sender, parts[-2], request.method, now, timeout_s)
        self.flights = [one for one in self.flights if _may_land(one, now)]
        for other in self.flights:
            opposite = other.method == OPPOSITE[request.method]
            if opposite and other.audience == flight.audience and not sender.has_stood_still:
                self.sins.append(f"{request.method} while {other.method} may be in flight")
        self.flights.append(flight)
        return flight

    def _look_for_penalty(self, sender: Process, now: float) -> None:
        known_at = self.penalty_known_to.get(id(sender))
        knew = known_at is not None and now > known_at + LEAVING_S_MAX
        if now < self.penalty_until and knew and not sender.has_stood_still:
            self.sins.append("a call in penalty")

    def land(self, flight: Flight | None, sender: Process, answer: Answer) -> None:
        """Note an answer that reached its sender."""
        if flight is not None:
            flight.answered = True
        if answer.payload is None and b'"code":80003' in answer.body:
            now = asyncio.get_running_loop().time()
            if now >= self.penalty_until:
                self.penalty_known_to.clear()
            self.penalty_until = max(self.penalty_until, now + PENALTY_S)
            self.penalty_known_to[id(sender)] = now


def _may_land(flight: Flight, now: float) -> bool:
    return not flight.answered and now < flight.started + flight.timeout_s


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    url: URL
    body: bytes | None
    bearer: str | None


class SimulatedSession:
    """What the Graph client uses of `aiohttp.ClientSession`."""

    def __init__(self, network: Network, process: Process) -> None:
        self._network = network
        self._process = process

    @asynccontextmanager
    async def request(
        self, method: str, url: URL, *, headers: dict[str, str], data: Any, timeout: Any, **_: Any
    ) -> AsyncIterator["SimulatedResponse"]:
        await self._process.step()
        if self._network.is_down:
            raise aiohttp.ConnectionTimeoutError
        body = data if data is None or isinstance(data, bytes) else await data.as_bytes()
        bearer = headers["Authorization"].removeprefix("Bearer ")
        request = Request(method, url, body, bearer)
        flight = self._network.take_off(self._process, request, timeout.total)
        answer = await self._wait(request, timeout.total, flight)
        self._network.land(flight, self._process, answer)
        yield SimulatedResponse(answer)

    async def _wait(self, request: Request, timeout_s: float, flight: Flight | None) -> Answer:
        line = Line()
        loop = asyncio.get_running_loop()
        started = loop.time()
        serving = loop.create_task(self._network.serve(line, request))
        serving.add_done_callback(_look_at)
        cut = loop.create_task(line.cut.wait())
        try:
            await asyncio.wait(
                (serving, cut), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            line.given_up = True
            cut.cancel()
        await self._process.step()
        if not serving.done() or loop.time() - started > timeout_s:
            if line.cut.is_set():
                raise aiohttp.ServerDisconnectedError
            raise TimeoutError
        try:
            return serving.result()
        except CutConnection as gone:
            raise aiohttp.ServerDisconnectedError from gone


def _look_at(task: "asyncio.Task[Answer]") -> None:
    """An exception that nobody waits for is no warning: its caller has died."""
    if not task.cancelled():
        task.exception()


class SimulatedResponse:
    """What the Graph client uses of `aiohttp.ClientResponse`."""

    def __init__(self, answer: Answer) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.content = self
        self._body = answer.body

    async def iter_any(self) -> AsyncIterator[bytes]:
        yield self._body
