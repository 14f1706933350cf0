"""`audience-sync serve`: runs the service until it is told to stop."""

import asyncio
import json
import signal
from typing import Final

import typer

from service.app import serve as run_service
from service.cli.terminal import EXIT_USAGE, fail, notes
from service.embedded import EmbeddedPostgresError
from service.settings import Settings, SettingsError, describe_settings
from service.store.errors import SchemaMismatch, StoreUnavailable
from service.telemetry import configure_logging

STOPPED_BY_A_REASON: Final = (EmbeddedPostgresError, StoreUnavailable, SchemaMismatch, OSError)
"""What keeps the service from starting and says why in words for a person."""


def settings_help() -> str:
    """The settings for `--help`, as a list in Markdown."""
    rows = (
        f"- `{row.name}` = `{row.default}`: {row.description} (`{row.accepts}`)"
        for row in describe_settings()
    )
    return "\n".join(("Settings, by environment variable, with their defaults:\n", *rows))


def read_settings() -> Settings:
    """Read the environment; a wrong or unknown setting ends the command, a line for each."""
    try:
        return Settings.from_environment()
    except SettingsError as error:
        for problem in error.problems:
            notes.print(f"audience-sync: {problem}", markup=False, soft_wrap=True)
        raise typer.Exit(EXIT_USAGE) from None


def serve() -> None:
    """Run the service: the gRPC server and the workers that keep Facebook in step.

    Prints one line of JSON on standard output when it is ready: {"grpc": "host:port"}. Logs go to
    standard error. On SIGTERM or Ctrl-C it takes no more calls, finishes what is under way, and
    ends.

    Example: `AUDIENCE_SYNC_LISTEN=0.0.0.0:50051 audience-sync serve`
    """
    settings = read_settings()
    configure_logging(level=settings.log_level, log_format=settings.log_format)
    try:
        asyncio.run(_serve(settings))
    except STOPPED_BY_A_REASON as error:
        fail(str(error))
    except RuntimeError as error:
        if "bind" not in str(error):
            raise
        fail(f"AUDIENCE_SYNC_LISTEN: cannot listen on {settings.listen}; is the port taken?")


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run_service(settings, on_ready=_say_ready, stop=stop)


def _say_ready(address: str) -> None:
    typer.echo(json.dumps({"grpc": address}))
