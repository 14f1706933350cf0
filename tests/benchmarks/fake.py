"""Owns how fast one fakefb process takes rows in through `/users`, and what a row costs it."""

import hashlib
import http.client
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Final
from urllib.parse import urlsplit

from tests.benchmarks.figures import Figure, Report
from tests.benchmarks.server_process import Cpu, ServerProcess, running

ROWS_PER_CALL: Final = 10_000
CONNECTIONS: Final = 2
"""Calls under way at once, so that the server never waits for the client."""
PEOPLE: Final = 20_000
BODIES: Final = 8
"""Different bodies of a case; half of their rows know somebody."""
TIMEOUT_S: Final = 60

ONE_KEY: Final = "EMAIL"
EIGHT_KEYS: Final = ("EMAIL", "PHONE", "FN", "LN", "CT", "ST", "ZIP", "COUNTRY")

_GOOD_ENDS: Final = (b'"num_invalid_entries":0,"invalid_entry_samples":{}}', b"{}")
"""How answers end that took every row: the fake's, and the body reader's."""


_UNITS: Final = {
    "bytes_per_row": "B",
    "rows_per_s": "rows/s",
    "cpu_us_per_row": "us",
    "kernel_us_per_row": "us",
    "reading_us_per_row": "us",
    "cpu_us_per_row_without_reading": "us",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One run against one server."""

    rows: int
    wall_s: float
    cpu: Cpu

    def row_us(self, seconds: float) -> float:
        """Return microseconds a row."""
        return round(seconds / self.rows * 1e6, 3)


def run(rows: int) -> Report:
    """Measure calls of one key and of eight keys; the client's CPU time is not in any figure."""
    with running("-m", "fakefb", "--graph-port", "0", "--admin-port", "0") as server:
        _ask(server.said["admin_url"], "POST", "/admin/people", _people())
        with running("-m", "tests.benchmarks.body_reader") as reader:
            cases = {
                name: _case(server, reader, schema, rows)
                for name, schema in (("one_key", ONE_KEY), ("eight_keys", EIGHT_KEYS))
            }
    figures = [
        Figure(name=f"{case}.{name}", value=value, unit=_UNITS[name])
        for case, measured in cases.items()
        for name, value in measured.items()
    ]
    details = {"rows_per_call": ROWS_PER_CALL, "people": PEOPLE}
    return Report(benchmark="fake", figures=figures, details=details)


def _case(
    server: ServerProcess, reader: ServerProcess, schema: str | Sequence[str], rows: int
) -> Mapping[str, float]:
    audience = _ask(
        server.said["graph_url"],
        "POST",
        "/act_1000000001/customaudiences?access_token=fake-token",
        b'{"name":"benchmark","customer_file_source":"USER_PROVIDED_ONLY"}',
    )["id"]
    path = f"/{audience}/users?access_token=fake-token"
    bodies = [_body(schema, number) for number in range(BODIES)]
    taken = _measure(server, path, bodies, rows)
    read = _measure(reader, path, bodies, rows)
    total = taken.cpu.own_s + taken.cpu.kernel_s
    reading = read.cpu.own_s + read.cpu.kernel_s
    return {
        "bytes_per_row": round(len(bodies[0]) / ROWS_PER_CALL, 1),
        "rows_per_s": round(taken.rows / taken.wall_s),
        "cpu_us_per_row": taken.row_us(total),
        "kernel_us_per_row": taken.row_us(taken.cpu.kernel_s),
        "reading_us_per_row": read.row_us(reading),
        "cpu_us_per_row_without_reading": round(taken.row_us(total) - read.row_us(reading), 3),
    }


def _measure(server: ServerProcess, path: str, bodies: Sequence[bytes], rows: int) -> Measured:
    """Send `rows` rows, rounded up to whole calls, after one round to warm up."""
    calls = -(-rows // ROWS_PER_CALL)
    url = server.said["graph_url"]
    _send(url, path, bodies)
    shares = [calls // CONNECTIONS + (i < calls % CONNECTIONS) for i in range(CONNECTIONS)]
    cpu, begun = server.cpu(), time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(lambda n: _send(url, path, list(islice(cycle(bodies), n))), shares))
    wall_s = time.perf_counter() - begun
    return Measured(calls * ROWS_PER_CALL, wall_s, server.cpu() - cpu)


def _send(url: str, path: str, bodies: Sequence[bytes]) -> None:
    connection = _connection(url)
    for body in bodies:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
        if response.status != http.HTTPStatus.OK or not answer.endswith(_GOOD_ENDS):
            raise RuntimeError(f"{response.status}: {answer[:300]!r}")
    connection.close()


def _ask(url: str, method: str, path: str, body: bytes) -> Mapping[str, str]:
    connection = _connection(url)
    connection.request(method, path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer: Mapping[str, str] = json.loads(response.read())
    connection.close()
    if response.status >= http.HTTPStatus.BAD_REQUEST:
        raise RuntimeError(str(answer))
    return answer


def _connection(url: str) -> http.client.HTTPConnection:
    place = urlsplit(url)
    return http.client.HTTPConnection(str(place.hostname), place.port, timeout=TIMEOUT_S)


def _people() -> bytes:
    people = [
        {"person_id": f"p{n}", "emails": [_email(n)], "phones": [_phone(n)]} for n in range(PEOPLE)
    ]
    return json.dumps({"people": people}).encode()


def _body(schema: str | Sequence[str], number: int) -> bytes:
    first = number * ROWS_PER_CALL % PEOPLE
    # Every second row is of somebody; the numbers above PEOPLE are nobody's.
    members = [n if n % 2 else n + PEOPLE for n in range(first, first + ROWS_PER_CALL)]
    if isinstance(schema, str):
        data: list[object] = [_hash(_email(n)) for n in members]
    else:
        data = [list(_cells(n)) for n in members]
    return json.dumps({"payload": {"schema": schema, "data": data}}, separators=(",", ":")).encode()


def _cells(n: int) -> Iterator[str]:
    yield _hash(_email(n))
    yield _hash(_phone(n).removeprefix("+"))
    for value in (f"first{n}", f"last{n}", "newyork", "ny", f"{n % 100_000:05d}", "us"):
        yield _hash(value)


def _hash(normal: str) -> str:
    return hashlib.sha256(normal.encode()).hexdigest()


def _email(n: int) -> str:
    return f"person{n}@example.com"


def _phone(n: int) -> str:
    return f"+1212{2_000_000 + n:07d}"
