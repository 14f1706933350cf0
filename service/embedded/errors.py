"""The one error of the embedded Postgres."""

from typing import Final

ADVICE: Final = (
    "set AUDIENCE_SYNC_DATABASE_URL to a Postgres of your own (Debian: apt-get install postgresql)"
)


class EmbeddedPostgresError(Exception):
    """The embedded Postgres could not be found, started or stopped; the text says what to do."""
