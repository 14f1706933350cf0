"""`audience-sync health`: whether a service takes calls, for scripts and container health checks."""

from typing import Annotated, Final

import grpc
import typer
from grpc_health.v1 import health_pb2, health_pb2_grpc

from service.cli.client import DEFAULT_SERVER, on_channel
from service.cli.terminal import ServerOption, fail, out, told_errors

ANSWER_S_MAX: Final = 60.0
"""Seconds that an answer may be waited for at most."""


def health(
    timeout: Annotated[
        float, typer.Option(min=0.1, max=ANSWER_S_MAX, help="Seconds to wait for the answer.")
    ] = 5.0,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Ask a service by gRPC health whether it takes calls: ends with 0 if it does, else with 1.

    Asks once and tries nothing again.

    Example: `audience-sync health --server 127.0.0.1:50051`
    """
    with told_errors(), on_channel(server) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=timeout)
        except grpc.RpcError as error:
            fail(f"{server} does not say that it is healthy: {error.code().name}")
    status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        fail(f"{server} says {status}")
    out.print(status.lower())
