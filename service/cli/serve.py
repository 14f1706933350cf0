"""`audience-sync serve`: runs the service until it is told to stop."""

import asyncio
import json
import signal
import sys
from collections.abc import Mapping
from typing import Annotated, Final

import typer

from service.app import serve as run_service
from service.cli.terminal import EXIT_USAGE, fail, notes
from service.embedded import EmbeddedPostgresError
from service.loop_lag import LoopTurns
from service.monitor.http_port import MonitorPortTaken
from service.processes import ProcessDied, serve_with_processes
from service.rpc.access.certificates import CertificateError
from service.rpc.access.tokens_file import TokensFileError
from service.settings import Settings, SettingsError
from service.settings_table import describe_settings
from service.store.errors import SchemaMismatch, StoreUnavailable
from service.store.sealing import SealingKeysError
from service.telemetry import configure_logging
from service.tracing.opening import TracesNotInstalled

PROCESSES_MAX: Final = 64
STOPPED_BY_A_REASON: Final = (
    *(EmbeddedPostgresError, StoreUnavailable, SchemaMismatch, OSError, ProcessDied),
    *(CertificateError, MonitorPortTaken, TracesNotInstalled, TokensFileError, SealingKeysError),
)
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


def serve(
    *,
    processes: Annotated[
        int, typer.Option(min=1, max=PROCESSES_MAX, help="Processes that share the port.")
    ] = 1,
    shared_port: Annotated[bool, typer.Option("--shared-port", hidden=True)] = False,
) -> None:
    """Run the service: the gRPC server and the workers that keep Facebook in step.

    Prints one line of JSON on standard output when it is ready: {"grpc": "host:port", "metrics":
    "host:port"}. Logs go to standard error. On SIGTERM or Ctrl-C it takes no more calls, finishes what is under way, and
    ends.

    With several processes callers are spread over them by their connections, audiences by their leases;
    one that dies is started anew.

    Example: `AUDIENCE_SYNC_LISTEN=127.0.0.1:50052 audience-sync serve`
    """
    settings = read_settings()
    configure_logging(level=settings.log_level, log_format=settings.log_format)
    try:
        turns = LoopTurns()
        with asyncio.Runner(loop_factory=turns.new_loop) as runner:
            runner.run(_serve(settings, processes, turns, shares_port=shared_port))
    except STOPPED_BY_A_REASON as error:
        fail(str(error))
    except RuntimeError as error:
        if "bind" not in str(error):
            raise
        fail(f"AUDIENCE_SYNC_LISTEN: cannot listen on {settings.listen}; is the port taken?")


async def _serve(
    settings: Settings, processes: int, turns: LoopTurns, *, shares_port: bool
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if shares_port:
        # The other end is held by whoever started us, and is closed when they are no more.
        loop.add_reader(sys.stdin.fileno(), stop.set)
    if processes > 1:
        await serve_with_processes(settings, processes, on_ready=_say_ready, stop=stop)
    else:
        await run_service(
            settings, on_ready=_say_ready, stop=stop, turns=turns, shares_port=shares_port
        )


def _say_ready(addresses: Mapping[str, str]) -> None:
    typer.echo(json.dumps({name: address for name, address in addresses.items() if address}))
