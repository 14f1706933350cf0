"""`audience-sync new-token`: makes a token, and the line that makes it known to the service."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from service.cli.terminal import EXIT_USAGE, fail, notes
from service.clock import Clock
from service.rpc.access.scopes import Scope
from service.rpc.access.tokens import new_token as draw_token
from service.rpc.access.tokens import token_digest
from service.rpc.access.tokens_file import TokensFileError, token_line


def new_token(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Who will call, as the log is to name them.")
    ],
    scope: Annotated[list[Scope], typer.Option(help="What they may do; may be given often.")],
    audience: Annotated[
        list[str] | None,
        typer.Option(help="Only for this audience, or with * behind for those that begin so."),
    ] = None,
    ad_account: Annotated[
        list[str] | None, typer.Option(help="Only for audiences of this ad account.")
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=3_650, help="Days until it expires; else it does not.")
    ] = None,
) -> None:
    """Make a token: it is printed once, with the line for AUDIENCE_SYNC_TOKENS_FILE.

    The line holds a hash, of which nobody gets the token back. The running service takes the line in
    a second or two; without the line the token is worth nothing any more. Where NAME is in the file
    already, add the new hash to its list, and take the old one out once nobody uses it.

    Example: `audience-sync new-token crm --scope read --scope write --audience 'crm-*' --days 365`
    """
    token = draw_token(secrets.token_bytes)
    try:
        line = token_line(
            name,
            token_digest(token),
            scopes=list(dict.fromkeys(scope)),
            audiences=audience or (),
            ad_accounts=ad_account or (),
            expires=_end(days),
        )
    except TokensFileError as error:
        fail(str(error), code=EXIT_USAGE)
    notes.print("The token, which is not shown again:", markup=False)
    typer.echo(token)
    notes.print("The line for AUDIENCE_SYNC_TOKENS_FILE:", markup=False)
    typer.echo(line)


def _end(days: int | None) -> datetime | None:
    if days is None:
        return None
    return (Clock().now() + timedelta(days=days)).astimezone(UTC).replace(microsecond=0)
