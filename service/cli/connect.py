"""`audience-sync connect-ad-account` and `connect`: what has to be there before members come."""

import os
from typing import Annotated, Final

import typer
from audiencesync.v1 import audience_sync_pb2 as pb

from service.cli.client import DEFAULT_SERVER, call, connected
from service.cli.status import state_of
from service.cli.terminal import AudienceArgument, ServerOption, fail, out, told_errors

TOKEN_VARIABLE: Final = "FACEBOOK_ACCESS_TOKEN"  # noqa: S105 - a name
SECRET_VARIABLE: Final = "FACEBOOK_APP_SECRET"  # noqa: S105 - a name

AdAccountArgument = Annotated[
    str, typer.Argument(metavar="AD_ACCOUNT_ID", help='"act_" and the digits of the ad account.')
]


def connect_ad_account(
    ad_account_id: AdAccountArgument,
    app_id: Annotated[str, typer.Option(help="The Facebook app that the token belongs to.")] = "",
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Store an ad account's access token, after checking it with Facebook; again: replace it.

    The token is taken from FACEBOOK_ACCESS_TOKEN, else asked for without showing it. With
    --app-id the app's secret is taken from FACEBOOK_APP_SECRET when that is set.

    Example: `audience-sync connect-ad-account act_1000000001`
    """
    request = pb.ConnectAdAccountRequest(
        ad_account_id=ad_account_id,
        access_token=_token(),
        app_id=app_id,
        app_secret=_environment(SECRET_VARIABLE) if app_id else "",
    )
    with told_errors(), connected(server) as stub:
        account = call(stub.ConnectAdAccount, request).ad_account
    out.print(f"{account.ad_account_id} is connected: {account.name}", markup=False)


def connect(
    audience_id: AudienceArgument,
    ad_account: Annotated[
        str, typer.Option(metavar="AD_ACCOUNT_ID", help="A connected ad account.")
    ],
    name: Annotated[
        str, typer.Option(help="The name on Facebook; without it, the audience id.")
    ] = "",
    description: Annotated[str, typer.Option(help="The description on Facebook.")] = "",
    default_region: Annotated[
        str, typer.Option(help="Country of members without one, as US or DE.")
    ] = "US",
    adopt: Annotated[
        str,
        typer.Option(
            metavar="CUSTOM_AUDIENCE_ID",
            help="An existing Custom Audience to use instead of creating one.",
        ),
    ] = "",
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Connect an audience: its Custom Audience is created, or an existing one adopted.

    Example: `audience-sync connect newsletter --ad-account act_1000000001 --default-region DE`
    """
    request = pb.ConnectAudienceRequest(
        audience_id=audience_id,
        ad_account_id=ad_account,
        name=name or audience_id,
        description=description,
        default_region=default_region.upper(),
        existing_custom_audience_id=adopt,
    )
    with told_errors(), connected(server) as stub:
        audience = call(stub.ConnectAudience, request).audience
    said = f": {audience.blocked_message}" if audience.blocked_message else ""
    line = f"{audience.audience_id} is {state_of(audience)}{said}"
    if audience.blocked_reason:
        fail(line)
    out.print(f"{line}; Custom Audience {audience.custom_audience_id or 'not yet'}", markup=False)


def _token() -> str:
    return _environment(TOKEN_VARIABLE) or typer.prompt("Access token", hide_input=True).strip()


def _environment(name: str) -> str:
    """A secret of the person at the terminal, which is no setting of the service."""
    return os.environ.get(name, "").strip()  # noqa: TID251 - see above
