"""Turns whatever a call raises into a status; what nobody foresaw into INTERNAL with an id."""

import traceback
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, NoReturn

import structlog
from grpc.aio import BaseError
from grpc_status import rpc_status

from service.rpc.call_log import notes
from service.rpc.calls import REFLECTION_NAME, SERVICE_NAME, AroundCalls, Context
from service.rpc.errors import DATABASE_RETRY_S, DatabaseUnavailable, InternalError, ServiceError
from service.rpc.status import CODES, status_of
from service.store.errors import StoreUnavailable

_log = structlog.get_logger("service.rpc")


class AnswerErrors(AroundCalls):
    """Answers errors with google.rpc.Status. `new_error_id` names defects in answer and log."""

    services: ClassVar[frozenset[str]] = frozenset({SERVICE_NAME, REFLECTION_NAME})

    def __init__(self, new_error_id: Callable[[], str]) -> None:
        super().__init__()
        self._new_error_id = new_error_id

    async def around(
        self, method: str, context: Context, call: Callable[[], Awaitable[Any]]
    ) -> Any:
        """Let the call through and answer what it raises."""
        try:
            return await call()
        except ServiceError as error:
            await _refuse(context, error)
        except StoreUnavailable:
            await _refuse(context, DatabaseUnavailable(retry_after_s=DATABASE_RETRY_S))
        except BaseError:  # grpc's own: the call is over already
            raise
        except Exception as error:  # noqa: BLE001, the one place where anything may come
            await _refuse(context, self._defect(method, error))

    def _defect(self, method: str, error: Exception) -> InternalError:
        error_id = self._new_error_id()
        _log.error("defect", method=method, error_id=error_id, trace=trace_of(error))
        return InternalError(metadata={"error_id": error_id})


def trace_of(error: BaseException) -> list[str]:
    """Types and places of an error and its causes, without their texts, which may quote values."""
    lines: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        lines.append(f"{type(seen).__module__}.{type(seen).__qualname__}")
        frames = traceback.extract_tb(seen.__traceback__)
        lines += [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        seen = seen.__cause__ or seen.__context__
    return lines


async def _refuse(context: Context, error: ServiceError) -> NoReturn:
    seen = notes()
    seen.code, seen.reason, seen.why = CODES[error.kind], error.reason, error.why
    await context.abort_with_status(rpc_status.to_status(status_of(error)))
    raise AssertionError("abort_with_status raises")
