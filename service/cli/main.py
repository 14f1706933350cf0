"""The program `audience-sync`: its commands, in the order of a first day with it."""

import importlib
import importlib.metadata
from collections import UserDict
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from service.cli.access import with_access

OPTIONS: Final[Mapping[str, Any]] = {
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": "markdown",
}
COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "demo": ("demo", "demo"),
    "serve": ("serve", "serve"),
    "health": ("health", "health"),
    "migrate": ("migrate", "migrate"),
    "rotate-keys": ("rotate_keys", "rotate_keys"),
    "new-token": ("new_token", "new_token"),
    "connect-ad-account": ("connect", "connect_ad_account"),
    "connect": ("connect", "connect"),
    "import": ("import_list", "import_list"),
    "sync": ("sync", "sync"),
    "status": ("status", "status"),
    "history": ("history", "history"),
    "rejected": ("rejected", "rejected"),
    "audit": ("audit", "audit"),
    "doctor": ("doctor", "doctor"),
    "disconnect": ("disconnect", "disconnect"),
}
"""Module in `service.cli` and function of each."""


class _Commands(UserDict[str, Any]):
    """Imports a command when it is looked up: one that only calls the service is there at once."""

    def __getitem__(self, name: str) -> Any:
        if self.data[name] is None:
            self.data[name] = _command(name, *COMMANDS[name])
        return self.data[name]


def _command(name: str, module_name: str, function: str) -> object:
    module = importlib.import_module(f"service.cli.{module_name}")
    alone = typer.Typer(**OPTIONS)
    epilog = module.settings_help() if name == "serve" else None
    alone.command(name, epilog=epilog)(with_access(getattr(module, function)))
    return typer.main.get_command(alone)


class _Program(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands(dict.fromkeys(COMMANDS))


app = typer.Typer(
    cls=_Program,
    help="Keeps Facebook Custom Audiences equal to the memberships that services report by gRPC.",
    epilog="Try it without a Facebook account: `audience-sync demo`",
    no_args_is_help=True,
    **OPTIONS,
)


def _tell_version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"audience-sync {importlib.metadata.version('audience-sync')}")
        raise typer.Exit


@app.callback()
def _begin(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_tell_version, is_eager=True, help="Show the version and end."
        ),
    ] = False,
) -> None:
    """Make a group of `app`, which has no command before one is looked up."""


if __name__ == "__main__":
    app()
