"""Builds the gRPC server, starts it and drains it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import grpc
import grpc.aio
from audiencesync.v1.audience_sync_pb2_grpc import add_AudienceSyncServiceServicer_to_server
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from service.identifiers.plain_phone import learn_plans
from service.rpc.access.door import OPEN, Door, Entrance
from service.rpc.access.reach import KeepToReach
from service.rpc.admission import MESSAGE_BYTES_IN_WORK_MAX, MESSAGE_BYTES_MAX, AdmitBytes
from service.rpc.api import Api
from service.rpc.call_log import LogCalls
from service.rpc.calls import SERVICE_NAME, CallInterceptor, Interceptors
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
        learn_plans()  # a third of a second, in which nobody can call yet
        self._server = grpc.aio.server(
            interceptors=[Interceptors(_interceptors(api, new_error_id, limits, entrance))],
            options=_options(limits),
            maximum_concurrent_rpcs=limits.calls_max,
        )
        self._health = health.aio.HealthServicer()
        _add_services(_Unregistered(self._server), Servicer(api), self._health)
        if credentials is None:
            self.port = self._server.add_insecure_port(address)
        else:
            self.port = self._server.add_secure_port(address, credentials)
        self._credentials = credentials  # which gRPC asks for certificates as long as it runs

    async def start(self) -> None:
        """Take calls; health says SERVING from here on."""
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


class _Unregistered:
    """Takes services for a server without registering their methods with gRPC's core.

    It would wait for calls of each registered method apart, and set up all these waits anew whenever
    one call comes: with our two dozen a tenth of what a small call costs.
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        self._server.add_generic_rpc_handlers(handlers)

    def add_registered_method_handlers(self, _service: str, _handlers: object) -> None:
        """Leave them to the generic handlers, which find the same."""


def _add_services(server: Any, servicer: Servicer, health_servicer: Any) -> None:
    add_AudienceSyncServiceServicer_to_server(servicer, server)
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    names = (SERVICE_NAME, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflected = reflection.aio.ReflectionServicer(names)
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(reflected, server)


def _interceptors(
    api: Api, new_error_id: Callable[[], str], limits: RpcLimits, entrance: Entrance
) -> list[CallInterceptor]:
    """Outermost first."""
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
