"""`audience-sync migrate`: brings the database's schema up to date, and spreads it over a Citus cluster."""

import asyncio
from typing import Annotated

import typer

from service.app import migrate_database, spread_database
from service.cli.serve import STOPPED_BY_A_REASON, read_settings
from service.cli.terminal import fail, out
from service.settings import Settings
from service.store.citus import CannotSpread


def migrate(
    *,
    citus: Annotated[
        bool,
        typer.Option(
            "--citus",
            help="Also spread the tables by audience over the nodes of a Citus cluster. To be tried on"
            " a copy first: docs/scaling.md says what was run on one, and what was not.",
        ),
    ] = False,
    lock_tables: Annotated[
        bool,
        typer.Option(
            "--lock-tables",
            help="With --citus: big tables may be locked against writes while they are copied.",
        ),
    ] = False,
) -> None:
    """Apply the migrations that the database lacks, and print the version reached.

    The service does the same when it starts; this is for who wants it done before. The database is
    the one of AUDIENCE_SYNC_DATABASE_URL, else the embedded Postgres of the data folder.

    Example: `audience-sync migrate`
    """
    settings = read_settings()
    try:
        if citus:
            _spread(settings, locks_tables=lock_tables)
        else:
            out.print(asyncio.run(migrate_database(settings)))
    except (*STOPPED_BY_A_REASON, CannotSpread) as error:
        fail(str(error))


def _spread(settings: Settings, *, locks_tables: bool) -> None:
    done = asyncio.run(spread_database(settings, locks_tables=locks_tables))
    for name in done.before:
        out.print(f"{name}: spread before")
    for name in done.now:
        out.print(f"{name}: spread now")
