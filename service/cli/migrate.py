"""`audience-sync migrate`: brings the database's schema up to date."""

import asyncio

from service.app import migrate_database
from service.cli.serve import STOPPED_BY_A_REASON, read_settings
from service.cli.terminal import fail, out


def migrate() -> None:
    """Apply the migrations that the database lacks, and print the version reached.

    The service does the same when it starts; this is for who wants it done before. The database is
    the one of AUDIENCE_SYNC_DATABASE_URL, else the embedded Postgres of the data folder.

    Example: `audience-sync migrate`
    """
    settings = read_settings()
    try:
        version = asyncio.run(migrate_database(settings))
    except STOPPED_BY_A_REASON as error:
        fail(str(error))
    out.print(version)
