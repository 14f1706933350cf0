"""Begins traces where they are asked for, and needs nothing installed where they are not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class TracesNotInstalled(Exception):
    """Traces are asked for and OpenTelemetry is not there; says what to install."""


@asynccontextmanager
async def traced(endpoint: str | None, *, share: float) -> AsyncIterator[None]:
    """Send spans to the collector at `endpoint`, or none anywhere, until the block ends.

    Raises: TracesNotInstalled.
    """
    if endpoint is None:
        yield
        return
    try:
        from service.tracing.exporting import exported  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise TracesNotInstalled(
            "AUDIENCE_SYNC_TRACES_ENDPOINT needs an extra: pip install 'audience-sync[otel]'"
        ) from None
    async with exported(endpoint, share=share):
        yield
