"""`audience-sync disconnect`: ends the keeping of an audience."""

import enum
from typing import Annotated

import typer
from audiencesync.v1 import audience_sync_pb2 as pb

from service.cli.client import DEFAULT_SERVER, call, connected
from service.cli.status import state_of
from service.cli.terminal import AudienceArgument, ServerOption, out, told_errors


class Leaving(enum.StrEnum):
    """What happens on Facebook, as an option."""

    FLUSH = "flush"
    DELETE = "delete"
    ABANDON = "abandon"


_MODES = {
    Leaving.FLUSH: pb.DisconnectAudienceRequest.MODE_FLUSH,
    Leaving.DELETE: pb.DisconnectAudienceRequest.MODE_DELETE_ON_FACEBOOK,
    Leaving.ABANDON: pb.DisconnectAudienceRequest.MODE_ABANDON,
}


def disconnect(
    audience_id: AudienceArgument,
    leaving: Annotated[
        Leaving,
        typer.Option(
            "--then",
            help="flush: send what is pending, then leave the Custom Audience as it is; "
            "delete: delete it on Facebook; abandon: send nothing more.",
        ),
    ] = Leaving.FLUSH,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """End the keeping of an audience; its membership is deleted here.

    Example: `audience-sync disconnect newsletter --then delete`
    """
    request = pb.DisconnectAudienceRequest(audience_id=audience_id, mode=_MODES[leaving])
    with told_errors(), connected(server) as stub:
        audience = call(stub.DisconnectAudience, request).audience
    out.print(f"{audience.audience_id} is {state_of(audience)}", markup=False)
