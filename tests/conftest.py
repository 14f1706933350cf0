"""Fixtures that every test may use: databases on one embedded Postgres for each test process."""

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import asyncpg
import pytest
from hypothesis import settings

from service.embedded import EmbeddedPostgres

settings.register_profile("ci", max_examples=50, derandomize=False, print_blob=True, deadline=None)
settings.load_profile("ci")

# Tests start processes while gRPC runs: what it does in a forked child, which only begins a program,
# has been seen to crash there. Said before gRPC is loaded.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

# Settings of whoever runs the tests must not steer the service under test, nor its child processes.
for _name in [name for name in os.environ if name.upper().startswith("AUDIENCE_SYNC_")]:
    del os.environ[_name]

BEGUN_FIRST = (
    "tests/chaos/",
    "tests/simulation/test_simulation.py",
    "tests/e2e/test_benchmarks.py",
    "tests/e2e/test_crash.py",
)
"""The longest tests: begun last, they would keep one process busy when the others have ended."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(BEGUN_FIRST))


@pytest.fixture(scope="session")
def reachable_dir() -> Iterator[Path]:
    """A folder with a short path that the server's account can enter too, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="audience-sync-test-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres(reachable_dir: Path) -> Iterator[EmbeddedPostgres]:
    """The server of this test process; it keeps nothing safe from a crash of the machine."""
    server = EmbeddedPostgres(reachable_dir / "session", durable=False)
    _run_apart(server.start)
    yield server
    _run_apart(server.stop)


@pytest.fixture(scope="session")
def template_database(postgres: EmbeddedPostgres) -> str:
    """Name of a migrated database to copy; nobody may be connected to it."""
    from service.store.migrations import (
        migrate,
    )  # only tests that need a schema need this

    name = "migrated_template"

    async def make() -> None:
        await _execute(postgres, f'CREATE DATABASE "{name}"')
        await migrate(postgres.dsn(name))

    _run_apart(make)
    return name


@pytest.fixture
async def database_url(postgres: EmbeddedPostgres, template_database: str) -> AsyncIterator[str]:
    """Address of a fresh, migrated database, dropped after the test."""
    async with _database(postgres, template=template_database) as url:
        yield url


@pytest.fixture(scope="module")
def module_database_url(postgres: EmbeddedPostgres, template_database: str) -> Iterator[str]:
    """Address of a migrated database that the tests of a module share."""
    name = f"module_{uuid.uuid4().hex}"
    _run_apart(partial(_create, postgres, name, template_database))
    yield postgres.dsn(name)
    _run_apart(partial(_drop, postgres, name))


@pytest.fixture
async def empty_database_url(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """Address of a fresh database without any table, dropped after the test."""
    async with _database(postgres, template="template1") as url:
        yield url


@asynccontextmanager
async def _database(server: EmbeddedPostgres, *, template: str) -> AsyncIterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    await _create(server, name, template)
    try:
        yield server.dsn(name)
    finally:
        await _drop(server, name)


async def _create(server: EmbeddedPostgres, name: str, template: str) -> None:
    await _execute(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


async def _drop(server: EmbeddedPostgres, name: str) -> None:
    await _execute(server, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _execute(server: EmbeddedPostgres, statement: str) -> None:
    connection = await asyncpg.connect(server.dsn())
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _run_apart(work: Callable[[], Coroutine[object, object, object]]) -> None:
    """Run to its end in a loop of its own thread: session fixtures leave the tests' loops alone."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(lambda: asyncio.run(work())).result()
