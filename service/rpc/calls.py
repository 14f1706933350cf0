"""How an interceptor gets around the calls of our service, whether requests or answers stream or not."""

import abc
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn, TypeAlias

import grpc
import grpc.aio
from grpc_reflection.v1alpha import reflection

from service.rpc.errors import ServiceError

SERVICE_NAME: Final = "audiencesync.v1.AudienceSyncService"
REFLECTION_NAME: Final[str] = reflection.SERVICE_NAME

# grpc types neither requests nor responses at this edge, and its classes are generic to mypy only.
if TYPE_CHECKING:
    Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
    Handler: TypeAlias = grpc.RpcMethodHandler[Any, Any]
else:
    Context = grpc.aio.ServicerContext
    Handler = grpc.RpcMethodHandler
Behaviour: TypeAlias = Callable[[Any, Context], Awaitable[Any]]
Decode: TypeAlias = Callable[[bytes], Any]


class Interceptors(grpc.aio.ServerInterceptor):
    """All of ours as the one that gRPC knows of: it would take a coroutine and more for each, at every call."""

    def __init__(self, inward: Sequence["CallInterceptor"]) -> None:
        """`inward`: the outermost first; what each sees is what the ones before it let through."""
        self._outward = tuple(reversed(inward))

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        service, _, method = handler_call_details.method.lstrip("/").partition("/")
        for one in self._outward:
            if service in one.services:
                handler = one.meet(service, method, handler, handler_call_details)
        return handler


class CallInterceptor(abc.ABC):
    """Is asked about every call of its services; calls of other services pass untouched."""

    services: ClassVar[frozenset[str]] = frozenset({SERVICE_NAME})
    takes_bytes: ClassVar[bool] = False
    """Whether the request is handed over undecoded."""

    def __init__(self) -> None:
        self._surrounded: dict[tuple[str, int], tuple[Handler, Handler]] = {}
        """By method and handler, which may be the one that refuses: that handler, and the one made of
        it. gRPC asks anew with every call."""

    @abc.abstractmethod
    def behaviour(self, method: str, handler: Handler, /) -> Behaviour:
        """What is done instead of what the handler does."""

    def meet(
        self, _service: str, method: str, handler: Handler, _details: grpc.HandlerCallDetails, /
    ) -> Handler:
        """The handler of the call of this task."""
        return self.surrounded(method, handler)

    def surrounded(self, method: str, handler: Handler) -> Handler:
        """A handler with this around it."""
        key = method, id(handler)  # of which none is given to another while we hold the handler
        known = self._surrounded.get(key)
        if known is None:
            known = self._surrounded[key] = handler, self._surround(handler, method)
        return known[1]

    def _surround(self, handler: Handler, method: str) -> Handler:
        return _MAKE[handler.request_streaming, handler.response_streaming](
            self.behaviour(method, handler),
            request_deserializer=None if self.takes_bytes else handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


class AroundCalls(CallInterceptor):
    """Surrounds whole calls."""

    @abc.abstractmethod
    async def around(
        self, method: str, context: Context, call: Callable[[], Awaitable[Any]]
    ) -> Any:
        """Make the call and return its answer."""

    def behaviour(self, method: str, handler: Handler, /) -> Behaviour:
        inner = behaviour_of(handler)

        async def behaviour(request: Any, context: Context) -> Any:
            return await self.around(method, context, partial(inner, request, context))

        return behaviour


class AtMessages(CallInterceptor):
    """Stands at every message on its way in, the only one of its call or one of a stream."""

    @abc.abstractmethod
    async def let_in(self, request: Any, decode: Decode | None, /) -> Any:
        """Return the message that goes on inwards, or raise. `decode` makes it of its bytes."""

    def let_out(self, request: Any) -> None:
        """The work on a message that was let in has ended, however it ended."""

    def behaviour(self, _method: str, handler: Handler, /) -> Behaviour:
        decode = handler.request_deserializer
        inner = behaviour_of(handler)

        async def behaviour(request: Any, context: Context) -> Any:
            inward = await self.let_in(request, decode)
            try:
                return await inner(inward, context)
            finally:
                self.let_out(request)

        async def behaviour_of_stream(requests: Any, context: Context) -> Any:
            async with aclosing(each(requests)) as inward:
                return await inner(inward, context)

        async def each(requests: Any) -> AsyncGenerator[Any, None]:
            async for request in requests:
                inward = await self.let_in(request, decode)
                try:
                    yield inward
                finally:
                    self.let_out(request)

        return behaviour_of_stream if handler.request_streaming else behaviour


_MAKE: Final = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
"""By whether requests stream, and answers. No method takes a stream and answers once."""


def behaviour_of(handler: Handler) -> Behaviour:
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


_refusal: ContextVar[ServiceError] = ContextVar("service_rpc_refusal")


def note_refusal(error: ServiceError) -> None:
    """Say why the call of this task is refused; `REFUSED` takes the place of its handler then."""
    _refusal.set(error)


async def _raise_refusal(_requests: Any, _context: Context) -> NoReturn:
    raise _refusal.get()


REFUSED: Final[Handler] = grpc.stream_stream_rpc_method_handler(_raise_refusal)
"""Takes a stream whatever its method takes: so it answers without waiting for the request."""
