"""Owns how fast many callers get single changes stored, beside one connection that does the same.

The callers go through gRPC to a service process; an update is answered when it is durable. The one
connection, to the same Postgres, merges one change a transaction as the service would without
committing calls together, and inserts one row a transaction into a table of its own. All three by
turns in the same run.

The callers are this process: their CPU time is the machine's, not the service's, so it is kept small
and told beside it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count, islice
from statistics import median, quantiles
from typing import TYPE_CHECKING, Final, TypeAlias

import asyncpg
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub

from service.identifiers import Key, pack_row
from service.identifiers.keys import RULES_VERSION
from service.store.audiences import lock_audience
from service.store.connection import Connection
from service.store.membership import MemberChange, merge
from service.store.pool import SERVER_SETTINGS, prepare_connection
from tests.benchmarks.figures import Figure, Report
from tests.benchmarks.house import AD_ACCOUNT_ID, House, running_house
from tests.benchmarks.standing_figures import standing_figures
from tests.benchmarks.update_callers import connected_to_each

if TYPE_CHECKING:
    from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceAsyncStub

CALLERS: Final = 64
ROUNDS: Final = 3
ALONE_SHARE: Final = 8
"""Of so many updates of the callers the one connection makes one, and the lone caller one."""

_PROCESSES: Final = ("service", "postgres", "callers")
_METHOD: Final = "/audiencesync.v1.AudienceSyncService/UpdateMembership"

_OF_CALLERS, _OF_ONE_CONNECTION = "callers", "one-connection"

Update: TypeAlias = Callable[[bytes], Awaitable[bytes]]
"""Makes one call: bytes there and back."""

_PLAIN_TABLE: Final = "create table plain_row (member_key uuid primary key, packed_row bytea)"
_PLAIN_INSERT: Final = "insert into plain_row values ($1, $2)"


@dataclass(slots=True)
class Measured:
    """Of every round: updates a second; seconds of each update; CPU seconds of each process."""

    calls: list[float] = field(default_factory=list)
    merges: list[float] = field(default_factory=list)
    inserts: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    lone_latencies: list[float] = field(default_factory=list)
    cpu_s: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_PROCESSES, 0.0))
    transactions: int = 0


def run(members: int, processes: int = 1) -> Report:
    """Measure so many updates of the callers, and fewer of the others."""
    a_round = max(CALLERS, members // ROUNDS)
    with running_house(processes=processes) as house:
        figures = _figures(asyncio.run(_measure(house, a_round)))
        figures += standing_figures(house)
    details = {
        "callers": CALLERS,
        "processes": processes,
        "rounds": ROUNDS,
        "updates_a_round": a_round,
    }
    return Report(benchmark="small", figures=figures, details=details)


async def _measure(house: House, a_round: int) -> Measured:
    measured, numbers = Measured(), count()
    async with (
        connected_to_each(house) as channels,
        _connected(house.database_url) as connection,
    ):
        await _connect_audiences(AudienceSyncServiceStub(channels[0]))
        await connection.execute(_PLAIN_TABLE)
        updates: list[Update] = [
            channel.unary_unary(_METHOD, request_serializer=bytes, response_deserializer=bytes)
            for channel in channels
        ]
        await _call_at_once(updates, _requests(numbers, CALLERS * 4))  # to warm up
        for _ in range(ROUNDS):
            await _round(measured, numbers, a_round, house, updates, connection)
    return measured


async def _round(
    measured: Measured,
    numbers: Iterator[int],
    a_round: int,
    house: House,
    updates: Sequence[Update],
    connection: Connection,
) -> None:
    alone = a_round // ALONE_SHARE
    measured.inserts.append(await _rate(alone, lambda: _insert(connection, next(numbers))))
    measured.merges.append(await _rate(alone, lambda: _merge(connection, next(numbers))))
    measured.lone_latencies += [await _call(updates[0], one) for one in _requests(numbers, alone)]
    requests = _requests(numbers, a_round)
    spent, before = _cpu(house), await _transactions(connection)
    began = time.perf_counter()
    measured.latencies += await _call_at_once(updates, requests)
    measured.calls.append(a_round / (time.perf_counter() - began))
    for name, seconds in _cpu(house).items():
        measured.cpu_s[name] += seconds - spent[name]
    measured.transactions += await _transactions(connection) - before


def _cpu(house: House) -> dict[str, float]:
    """CPU seconds of each of _PROCESSES so far."""
    theirs = house.cpu()
    return {name: theirs.get(name, time.process_time()) for name in _PROCESSES}


async def _rate(times: int, work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    for _ in range(times):
        await work()
    return times / (time.perf_counter() - began)


async def _insert(connection: Connection, number: int) -> None:
    await connection.execute(_PLAIN_INSERT, _key(number), _row(number))


async def _merge(connection: Connection, number: int) -> None:
    async with connection.transaction():
        audience = await lock_audience(connection, _OF_ONE_CONNECTION)
        assert audience is not None
        await merge(
            connection,
            audience.audience_no,
            [MemberChange(_key(number), (_row(number),))],
            now=datetime.now(UTC),
            rules_version=RULES_VERSION,
        )


async def _call_at_once(updates: Sequence[Update], requests: Sequence[bytes]) -> list[float]:
    """All of them from all callers, each of whom waits for an answer before the next."""
    left = iter(requests)

    async def caller(update: Update) -> list[float]:
        return [await _call(update, one) for one in left]

    told = await asyncio.gather(*(caller(updates[one % len(updates)]) for one in range(CALLERS)))
    return [latency for one in told for latency in one]


async def _call(update: Update, request: bytes) -> float:
    """Tell of one new member; return the seconds until it is durable."""
    began = time.perf_counter()
    answer = await update(request)
    seconds = time.perf_counter() - began
    if pb.UpdateMembershipResponse.FromString(answer).changed_count != 1:
        raise RuntimeError("not one change")
    return seconds


def _requests(numbers: Iterator[int], times: int) -> list[bytes]:
    """So many requests, each of one new member, made before it counts."""
    return [_request(number).SerializeToString() for number in islice(numbers, times)]


def _request(number: int) -> pb.UpdateMembershipRequest:
    member = pb.Member(member_id=f"member-{number}", emails=[f"person{number}@example.com"])
    change = pb.Change(operation=pb.Change.OPERATION_ADD, member=member)
    return pb.UpdateMembershipRequest(
        audience_id=_OF_CALLERS, request_id=f"request-{number}", changes=[change]
    )


async def _transactions(connection: Connection) -> int:
    """How many transactions have stored members of the callers so far."""
    found = await connection.fetchval(
        "select count(distinct member.xmin::text) from member join audience using (audience_no)"
        " where audience_id = $1",
        _OF_CALLERS,
    )
    return int(found)


def _key(number: int) -> bytes:
    return sha256(f"member-{number}".encode()).digest()[:16]


def _row(number: int) -> bytes:
    return pack_row({Key.EMAIL: sha256(f"person{number}@example.com".encode()).digest()})


async def _connect_audiences(stub: "AudienceSyncServiceAsyncStub") -> None:
    """Two audiences that take changes and sync nothing meanwhile."""
    for audience_id in (_OF_CALLERS, _OF_ONE_CONNECTION):
        wish = pb.ConnectAudienceRequest(
            audience_id=audience_id, ad_account_id=AD_ACCOUNT_ID, name=audience_id
        )
        await stub.ConnectAudience(wish)
        await stub.PauseAudience(pb.PauseAudienceRequest(audience_id=audience_id))


@asynccontextmanager
async def _connected(dsn: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(dsn, server_settings=SERVER_SETTINGS)
    try:
        await prepare_connection(connection)
        yield connection
    finally:
        await connection.close()


def _figures(measured: Measured) -> list[Figure]:
    p50_ms, p99_ms = _percentiles_ms(measured.latencies)
    lone_p50_ms, lone_p99_ms = _percentiles_ms(measured.lone_latencies)
    calls = len(measured.latencies)
    return [
        Figure(
            name="ratio_to_single_merges",
            value=_ratio(measured.calls, measured.merges),
            unit="times",
            at_least=5,
            aim=20,
        ),
        Figure(
            name="ratio_to_single_inserts",
            value=_ratio(measured.calls, measured.inserts),
            unit="times",
        ),
        Figure(name="calls_per_s", value=median(measured.calls), unit="calls/s"),
        Figure(name="single_merges_per_s", value=median(measured.merges), unit="merges/s"),
        Figure(name="single_inserts_per_s", value=median(measured.inserts), unit="rows/s"),
        Figure(name="p50_ms", value=p50_ms, unit="ms"),
        Figure(name="p99_ms", value=p99_ms, unit="ms", at_most=50, aim=20),
        Figure(name="lone_caller.p50_ms", value=lone_p50_ms, unit="ms"),
        Figure(name="lone_caller.p99_ms", value=lone_p99_ms, unit="ms"),
        Figure(name="calls_per_commit", value=calls / measured.transactions, unit="calls"),
        *(
            Figure(name=f"{name}_cpu_us_per_call", value=seconds / calls * 1e6, unit="us")
            for name, seconds in measured.cpu_s.items()
        ),
    ]


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def _percentiles_ms(seconds: list[float]) -> tuple[float, float]:
    cuts = quantiles(seconds, n=100)
    return cuts[49] * 1e3, cuts[98] * 1e3
