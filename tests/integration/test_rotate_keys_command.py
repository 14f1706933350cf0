"""`audience-sync rotate-keys`, as a person runs it beside the service."""

import asyncio

import pytest
from typer.testing import CliRunner, Result

from service.cli.main import app
from tests.integration.store_builders import connected
from tests.integration.test_key_rotation import LOST, NEW, OLD, put

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def database(module_database_url: str) -> str:
    async def fill() -> None:
        async with connected(module_database_url) as connection:
            await connection.execute("truncate ad_account cascade")
            await put(connection, "act_1")
            await put(connection, "act_2", keys=LOST)

    asyncio.run(fill())
    return module_database_url


def run(database_url: str, keys: str, *options: str) -> Result:
    environment = {"AUDIENCE_SYNC_DATABASE_URL": database_url, "AUDIENCE_SYNC_SEALING_KEYS": keys}
    return CliRunner().invoke(app, ["rotate-keys", *options], env=environment)


def test_it_tells_how_many_were_sealed_anew(database: str) -> None:
    done = run(database, f"{NEW},{OLD},{LOST}")
    assert (done.exit_code, done.stdout) == (
        0,
        "2 ad accounts sealed anew under key new, 0 were already\n",
    )


def test_it_refuses_when_a_key_is_missing_and_names_key_and_account(database: str) -> None:
    done = run(database, f"{NEW},{OLD}")
    assert done.exit_code == 1
    assert "nothing is changed: act_2: sealing key 'lost' is missing" in done.stderr
    assert "planted" not in done.output


def test_it_leaves_what_cannot_be_opened_when_that_is_wished_and_says_so(database: str) -> None:
    done = run(database, f"{NEW},{OLD}", "--skip-unopened")
    assert done.exit_code == 1
    assert "1 ad accounts sealed anew" in done.stdout
    assert "1 ad accounts were left" in done.stderr
