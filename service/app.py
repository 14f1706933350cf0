"""Puts the service together: the one place that knows every room."""

import asyncio
import gc
import os
import random
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import grpc
import structlog

from service.clock import Clock
from service.embedded import EmbeddedPostgres
from service.graph import GraphClient, open_http_session
from service.loop_lag import LoopTurns, report_long_turns
from service.monitor.database_watch import DatabaseWatch
from service.monitor.monitor import ProcessMonitor
from service.monitor.process_families import ProcessFamilies
from service.monitor.readiness import Readiness
from service.rpc.access.caller_limits import CallerBounds
from service.rpc.access.certificates import Certificates, TlsFiles
from service.rpc.access.door import Entrance
from service.rpc.access.known_callers import KnownCallers
from service.rpc.api import Api
from service.rpc.server import RpcLimits, RpcServer
from service.settings import Settings
from service.store.citus import Spread, spread_over_citus
from service.store.migrations import migrate
from service.store.notifications import Notifications
from service.store.pool import Pool, open_pool
from service.store.sealing import Keyring, load_or_create_key_file, read_key_file
from service.sync.account_gate import AccountGates
from service.sync.context import SyncContext, SyncLimits
from service.sync.pace_board import StoredBoard
from service.sync.rounds import go_rounds
from service.sync.worker import Worker
from service.tracing.opening import traced

KEY_FILE: Final = "sealing.key"
"""Name of the file beside the embedded Postgres that keeps the key made for it."""

SYNC_CONNECTIONS_SPARE: Final = 4
"""Connections of the syncs' pool beyond one for each sync: claims, renewals, progress."""
NEW_OBJECTS_MAX: Final = 10_000
"""Objects that are new before garbage among them is looked for: at every 700th, looking cost 3 % of the CPU."""
POOL_CLOSE_S_MAX: Final = 5.0
"""Seconds that a pool may take to close before its connections are cut."""

log = structlog.get_logger(__name__)


async def serve(
    settings: Settings,
    *,
    on_ready: Callable[[Mapping[str, str]], None],
    stop: asyncio.Event,
    turns: LoopTurns,
    shares_port: bool = False,
) -> None:
    """Serve until `stop` is set, then drain: no new calls, syncs to the end of their window.

    `on_ready` is told the addresses, of "grpc" and of "metrics" ("" without one), once the gRPC server
    answers; `turns`: of the loop that this runs on; `shares_port`: other processes of this service may
    listen there too, and what is true of all is told by who keeps them.
    """
    clock = Clock()
    # First: files that are wrong are told before a database is brought up.
    entrance, credentials = _entrance(settings, clock), _credentials(settings, clock)
    async with AsyncExitStack() as stack:
        traces = traced(settings.traces_endpoint, share=settings.traces_share)
        await stack.enter_async_context(traces)
        dsn = await stack.enter_async_context(database(settings))
        await migrate(dsn)
        pool = await stack.enter_async_context(_pool(dsn, settings.database_pool_size))
        # Apart from the callers' pool: a renewal must not wait behind merges for a connection.
        sync_pool = await stack.enter_async_context(
            _pool(dsn, settings.syncs_in_parallel + SYNC_CONNECTIONS_SPARE)
        )
        notifications = await stack.enter_async_context(_notifications(dsn))
        graph = await stack.enter_async_context(_graph_client(settings))
        keyring = keyring_of(settings)
        worker = _worker(settings, sync_pool, graph, keyring, notifications, clock)
        api = Api(pool=pool, keyring=keyring, graph=graph, notifications=notifications, clock=clock)
        server = RpcServer(
            api,
            address=settings.listen,
            new_error_id=_error_id,
            limits=_rpc_limits(settings, shares_port=shares_port),
            entrance=entrance,
            credentials=credentials,
        )
        reporting = asyncio.create_task(
            report_long_turns(turns, clock, seconds_max=settings.loop_held_seconds_max)
        )
        stack.callback(reporting.cancel)
        rounds = asyncio.create_task(go_rounds(worker.context))
        stack.callback(rounds.cancel)
        readiness = Readiness()
        monitor = ProcessMonitor(
            watch=DatabaseWatch(dsn, clock, readiness, server.say_serving),
            own=ProcessFamilies(
                readiness=readiness,
                pools={"calls": pool, "syncs": sync_pool},
                syncs_running=lambda: worker.running_count,
                stopped_s=worker.context.gates.stopped_s,
            ),
            tells_database=not shares_port,
        )
        metrics = await stack.enter_async_context(
            monitor.opened(settings.metrics_listen, settings.token_for_metrics())
        )

        await _run(
            settings,
            server,
            worker,
            readiness,
            on_ready=lambda grpc: on_ready({"grpc": grpc, "metrics": metrics}),
            stop=stop,
        )


async def migrate_database(settings: Settings) -> int:
    """Bring the database up to date; returns its version."""
    async with database(settings) as dsn:
        return await migrate(dsn)


async def spread_database(settings: Settings, *, locks_tables: bool) -> Spread:
    """Bring the database up to date and spread its tables over a Citus cluster. Raises: CannotSpread."""
    async with database(settings) as dsn:
        await migrate(dsn)
        return await spread_over_citus(dsn, locks_tables=locks_tables)


@asynccontextmanager
async def database(settings: Settings) -> AsyncIterator[str]:
    """The address of the configured Postgres, or of an embedded one that runs meanwhile."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    async with EmbeddedPostgres(settings.data_dir) as postgres:
        yield postgres.dsn()


def keyring_of(settings: Settings) -> Keyring:
    """The configured sealing keys, or those of the key file beside the embedded Postgres."""
    if settings.sealing_keys is not None:
        return Keyring.from_text(settings.sealing_keys.get_secret_value())
    if settings.sealing_keys_file is not None:
        return read_key_file(settings.sealing_keys_file)
    return load_or_create_key_file(Path(settings.data_dir) / KEY_FILE)


async def _run(
    settings: Settings,
    server: RpcServer,
    worker: Worker,
    readiness: Readiness,
    *,
    on_ready: Callable[[str], None],
    stop: asyncio.Event,
) -> None:
    """Serve and work until stopped; the failure of either stops the other."""
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(worker.work())
        await server.start()
        address = f"{settings.listen.rpartition(':')[0]}:{server.port}"
        gc.freeze()  # what was loaded stays: a full collection does not hold the loop to walk it
        gc.set_threshold(NEW_OBJECTS_MAX)
        log.info("serving", address=address)
        readiness.is_serving = True
        on_ready(address)
        await stop.wait()
        readiness.is_draining = True
        log.info("draining")
        worker.drain()
        await server.stop(settings.drain_seconds)
        await working


def _worker(
    settings: Settings,
    pool: Pool,
    graph: GraphClient,
    keyring: Keyring,
    notifications: Notifications,
    clock: Clock,
) -> Worker:
    limits = SyncLimits(
        lease_s=settings.lease_seconds,
        call_timeout_s=settings.facebook_call_timeout_seconds,
        calls_in_flight=settings.calls_in_flight_per_ad_account,
        recheck_after_s=settings.recheck_after_seconds,
        refresh_interval=timedelta(days=settings.refresh_interval_days),
        recreate_gone_audiences=settings.recreate_gone_audiences,
    )
    holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    context = SyncContext(
        pool=pool,
        graph=graph,
        keyring=keyring,
        gates=AccountGates(
            calls_max=limits.calls_in_flight,
            clock=clock,
            board=StoredBoard(pool),
            holder=holder,
            call_timeout_s=limits.call_timeout_s,
        ),
        clock=clock,
        chance=random.Random(),
        limits=limits,
    )
    return Worker(
        context=context,
        notifications=notifications,
        holder=holder,
        runs_max=settings.syncs_in_parallel,
        poll_s=settings.poll_seconds,
        drain_s=settings.drain_seconds,
    )


def _rpc_limits(settings: Settings, *, shares_port: bool) -> RpcLimits:
    return RpcLimits(
        message_bytes_max=settings.message_bytes_max,
        message_bytes_in_work_max=settings.messages_in_work_bytes_max,
        shares_port=shares_port,
    )


def _entrance(settings: Settings, clock: Clock) -> Entrance:
    """Raises: TokensFileError."""
    path = settings.tokens_file
    return Entrance(
        callers=KnownCallers(path, clock.monotonic) if path else None,
        knows_certificates=settings.tls_client_ca_file is not None,
        bounds=CallerBounds(
            calls_per_second=settings.caller_calls_per_second,
            calls_at_once=settings.caller_calls_at_once,
            streams_at_once=settings.caller_streams_at_once,
        ),
        message_seconds_max=settings.silent_call_seconds_max,
    )


def _credentials(settings: Settings, clock: Clock) -> grpc.ServerCredentials | None:
    """Raises: CertificateError."""
    certificate, key = settings.tls_certificate_file, settings.tls_key_file
    if certificate is None or key is None:
        return None
    files = TlsFiles(certificate=certificate, key=key, client_ca=settings.tls_client_ca_file)
    return Certificates(files, clock.monotonic).credentials()


def _error_id() -> str:
    return secrets.token_hex(8)


@asynccontextmanager
async def _notifications(dsn: str) -> AsyncIterator[Notifications]:
    notifications = Notifications()
    await notifications.start(dsn)
    try:
        yield notifications
    finally:
        await notifications.close()


@asynccontextmanager
async def _graph_client(settings: Settings) -> AsyncIterator[GraphClient]:
    async with open_http_session() as session:
        yield GraphClient(
            session,
            base_url=settings.facebook_base_url,
            version=settings.facebook_api_version,
            timeout_s=settings.facebook_call_timeout_seconds,
        )


@asynccontextmanager
async def _pool(dsn: str, size: int) -> AsyncIterator[Pool]:
    pool = await open_pool(dsn, size=size)
    try:
        yield pool
    finally:
        try:
            async with asyncio.timeout(POOL_CLOSE_S_MAX):
                await pool.close()
        except TimeoutError:
            pool.terminate()
