"""How an interceptor gets around the calls of our service, whether requests or answers stream or not."""

import abc
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

import grpc
import grpc.aio

SERVICE_NAME: Final = "audiencesync.v1.AudienceSyncService"

# grpc types neither requests nor responses at this edge, and its classes are generic to mypy only.
if TYPE_CHECKING:
    Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
    Handler: TypeAlias = grpc.RpcMethodHandler[Any, Any]
else:
    Context = grpc.aio.ServicerContext
    Handler = grpc.RpcMethodHandler
Behaviour: TypeAlias = Callable[[Any, Context], Awaitable[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call on its way in, or one message of it. `request` is bytes until it is decoded."""

    method: str
    context: Context
    request: Any
    decode: Callable[[bytes], Any] | None


class CallInterceptor(grpc.aio.ServerInterceptor, abc.ABC):
    """Surrounds every call of our service; calls of other services pass untouched."""

    takes_bytes: ClassVar[bool] = False
    """Whether the request is handed over undecoded."""
    each_message: ClassVar[bool] = False
    """Whether of a stream of requests each message is surrounded, and not the whole call."""

    def __init__(self) -> None:
        self._surrounded: dict[str, tuple[Handler, Handler]] = {}
        """By method, its handler and the one made of it: gRPC asks anew with every call."""

    @abc.abstractmethod
    def around(self, call: Call) -> AbstractAsyncContextManager[Any]:
        """Surround a call; what is yielded is the request that goes on inwards."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        handler = await continuation(handler_call_details)
        service, _, method = handler_call_details.method.lstrip("/").partition("/")
        if handler is None or service != SERVICE_NAME:
            return handler
        known, surrounded = self._surrounded.get(method, (None, None))
        if known is not handler:
            surrounded = self._surround(handler, method)
            self._surrounded[method] = handler, surrounded
        return surrounded

    def _surround(self, handler: Handler, method: str) -> Handler:
        decode = handler.request_deserializer
        inner = _behaviour_of(handler)

        async def behaviour(request: Any, context: Context) -> Any:
            call = Call(method=method, context=context, request=request, decode=decode)
            async with self.around(call) as inward:
                return await inner(inward, context)

        async def behaviour_of_messages(requests: Any, context: Context) -> Any:
            async with aclosing(surrounded(requests, context)) as inward:
                return await inner(inward, context)

        async def surrounded(requests: Any, context: Context) -> AsyncGenerator[Any, None]:
            async for request in requests:
                call = Call(method=method, context=context, request=request, decode=decode)
                async with self.around(call) as inward:
                    yield inward

        streams = handler.request_streaming
        return _MAKE[streams, handler.response_streaming](
            behaviour_of_messages if streams and self.each_message else behaviour,
            request_deserializer=None if self.takes_bytes else decode,
            response_serializer=handler.response_serializer,
        )


_MAKE: Final = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
"""By whether requests stream, and answers. No method takes a stream and answers once."""


def _behaviour_of(handler: Handler) -> Behaviour:
    """The handler as a coroutine; a generator of responses becomes one that writes them.

    So a cancelled call ends in the coroutine itself, not when its generator is collected.
    """
    bare: Any = handler.unary_unary or handler.unary_stream or handler.stream_stream
    behaviour: Behaviour = bare
    if not inspect.isasyncgenfunction(bare):
        return behaviour

    async def write_all(request: Any, context: Context) -> None:
        async with aclosing(bare(request, context)) as responses:
            async for response in responses:
                await context.write(response)

    return write_all
