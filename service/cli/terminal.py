"""Where the commands print, how they end when something is wrong, and the options they share."""

import contextlib
from collections.abc import Iterator
from typing import Annotated, Final, NoReturn

import typer
from rich.console import Console

from service.cli.client import CallFailed

EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130
"""What a shell expects of a program that was stopped by Ctrl-C."""

out: Final = Console(highlight=False)
"""Results, on standard output."""
notes: Final = Console(stderr=True, highlight=False)
"""Progress and errors, on standard error, so that results can be piped."""

AudienceArgument = Annotated[
    str, typer.Argument(metavar="AUDIENCE_ID", help="The audience, as it was connected.")
]
ServerOption = Annotated[
    str, typer.Option("--server", metavar="HOST:PORT", help="Where the service listens.")
]


def fail(message: str, *, code: int = EXIT_FAILED) -> NoReturn:
    """Print one line on standard error and end the command."""
    line = " ".join(message.split())
    notes.print(f"audience-sync: {line}", markup=False, soft_wrap=True)
    raise typer.Exit(code)


@contextlib.contextmanager
def told_errors(interrupted: str = "interrupted") -> Iterator[None]:
    """End the command with one line when a call fails or somebody presses Ctrl-C."""
    try:
        yield
    except CallFailed as failure:
        fail(str(failure))
    except KeyboardInterrupt:
        fail(interrupted, code=EXIT_INTERRUPTED)
