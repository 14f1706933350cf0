"""How a command gets in: token and certificates of whoever runs it, by options or by variables."""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Final

import typer

_PANEL: Final = "Getting in"

TokenOption = Annotated[
    str,
    typer.Option(
        envvar="AUDIENCE_SYNC_TOKEN",
        show_default=False,
        rich_help_panel=_PANEL,
        help="Bearer token. Others on this machine can see an argument, not a variable.",
    ),
]
TlsCaOption = Annotated[
    Path | None,
    typer.Option(
        envvar="AUDIENCE_SYNC_TLS_CA",
        rich_help_panel=_PANEL,
        help="PEM file with the root of the service's certificate. Without it: plain text.",
    ),
]
TlsCertOption = Annotated[
    Path | None,
    typer.Option(
        envvar="AUDIENCE_SYNC_TLS_CERT",
        rich_help_panel=_PANEL,
        help="PEM file with your own certificate, where the service asks for one.",
    ),
]
TlsKeyOption = Annotated[
    Path | None,
    typer.Option(
        envvar="AUDIENCE_SYNC_TLS_KEY", rich_help_panel=_PANEL, help="PEM file with its key."
    ),
]
PlainTextOption = Annotated[
    bool,
    typer.Option(
        "--plain-text",
        rich_help_panel=_PANEL,
        help="Send the token to another machine without TLS.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a command shows to the service."""

    token: str = field(default="", repr=False)
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    plain_text: bool = False


_OPTIONS: Final[dict[str, Any]] = {
    "token": TokenOption,
    "tls_ca": TlsCaOption,
    "tls_cert": TlsCertOption,
    "tls_key": TlsKeyOption,
    "plain_text": PlainTextOption,
}
_given: ContextVar[Access] = ContextVar("service_cli_access", default=Access())  # noqa: B039 - frozen


def given_access() -> Access:
    """What the command at hand was given; nothing outside of a command."""
    return _given.get()


@contextmanager
def using(access: Access) -> Iterator[None]:
    """Get in with this for the length of a block."""
    before = _given.set(access)
    try:
        yield
    finally:
        _given.reset(before)


def with_access(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that calls the service the options of `Access`; others stay as they are."""
    signature = inspect.signature(command)
    if "server" not in signature.parameters:
        return command
    defaults = {one.name: one.default for one in fields(Access)}
    options = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=defaults[name], annotation=kind
        )
        for name, kind in _OPTIONS.items()
    ]

    @functools.wraps(command)
    def run(**arguments: Any) -> None:
        access = Access(**{name: arguments.pop(name) for name in _OPTIONS})
        with using(access):
            command(**arguments)

    run.__signature__ = signature.replace(  # type: ignore[attr-defined] # where typer looks
        parameters=[*signature.parameters.values(), *options]
    )
    run.__annotations__ = {**command.__annotations__, **_OPTIONS}
    return run
