"""Builds the gRPC server, starts it and drains it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import grpc
import grpc.aio
from audiencesync.v1.audience_sync_pb2_grpc import add_AudienceSyncServiceServicer_to_server
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from service.identifiers.plain_phone import learn_plans
from service.rpc.access.door import OPEN, Door, Entrance
from service.rpc.access.reach import KeepToReach
from service.rpc.admission import MESSAGE_BYTES_IN_WORK_MAX, MESSAGE_BYTES_MAX, AdmitBytes
from service.rpc.api import Api
from service.rpc.call_log import LogCalls
from service.rpc.calls import SERVICE_NAME
from service.rpc.decoding import DecodeRequests
from service.rpc.error_boundary import AnswerErrors
from service.rpc.servicer import Servicer
from service.rpc.validation import ValidateRequests

KEEPALIVE_MS: Final = 60_000
"""Milliseconds of silence after which the server asks whether a caller is still there."""
KEEPALIVE_TIMEOUT_MS: Final = 20_000
"""Milliseconds that the caller has to say so."""
CLIENT_PING_GAP_MS_MIN: Final = 10_000
"""Milliseconds between pings of a caller; one who pings more often is sent away."""
CALLS_MAX: Final = 1_000
"""Calls in work at once, watches included; more are refused by gRPC itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcLimits:
    """Limits of the server; the defaults are those of the contract."""

    message_bytes_max: int = MESSAGE_BYTES_MAX
    message_bytes_in_work_max: int = MESSAGE_BYTES_IN_WORK_MAX
    calls_max: int = CALLS_MAX
    shares_port: bool = False
    """Whether other processes of the same service listen on the port too."""


class RpcServer:
    """The server of AudienceSyncService, with health and reflection."""

    def __init__(
        self,
        api: Api,
        *,
        address: str,
        new_error_id: Callable[[], str],
        limits: RpcLimits = RpcLimits(),
        entrance: Entrance = OPEN,
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        """Bind `address` ("127.0.0.1:8080"; port 0 takes a free one); plain text without `credentials`.

        Raises: RuntimeError when the address cannot be bound.
        """
        self._server = grpc.aio.server(
            interceptors=_interceptors(api, new_error_id, limits, entrance),
            options=_options(limits),
            maximum_concurrent_rpcs=limits.calls_max,
        )
        self._health = health.aio.HealthServicer()
        add_AudienceSyncServiceServicer_to_server(Servicer(api), self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (SERVICE_NAME, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        if credentials is None:
            self.port = self._server.add_insecure_port(address)
        else:
            self.port = self._server.add_secure_port(address, credentials)
        self._credentials = credentials  # which gRPC asks for certificates as long as it runs

    async def start(self) -> None:
        """Take calls; health says SERVING from here on."""
        learn_plans()
        await self._server.start()
        await self.say_serving(serving=True)

    async def say_serving(self, *, serving: bool) -> None:
        """What health says from here on, until `stop`: calls are taken all the same."""
        status = health_pb2.HealthCheckResponse
        for name in ("", SERVICE_NAME):
            await self._health.set(name, status.SERVING if serving else status.NOT_SERVING)

    async def stop(self, grace_s: float) -> None:
        """Say NOT_SERVING, take no new call, let those in work end within `grace_s` seconds."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace_s)


def _interceptors(
    api: Api, new_error_id: Callable[[], str], limits: RpcLimits, entrance: Entrance
) -> list[grpc.aio.ServerInterceptor]:
    """Outermost first: what each sees is what the ones before it let through."""
    monotonic = api.clock.monotonic
    return [
        LogCalls(monotonic),
        AnswerErrors(new_error_id),
        Door(entrance, api.clock),
        AdmitBytes(limits.message_bytes_in_work_max),
        DecodeRequests(),
        ValidateRequests(monotonic),
        *([KeepToReach()] if entrance.callers else []),
    ]


def _options(limits: RpcLimits) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", limits.message_bytes_max),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", CLIENT_PING_GAP_MS_MIN),
        # Two servers must not share a port by accident; processes of one service do on purpose.
        ("grpc.so_reuseport", int(limits.shares_port)),
    ]
