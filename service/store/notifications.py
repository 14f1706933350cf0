"""Hints from Postgres that something changed. Polling is the truth: a hint may be lost or repeated."""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import asyncpg
import structlog

from service.store.connection import Connection
from service.store.pool import SERVER_SETTINGS, notice_silence

if TYPE_CHECKING:
    from collections.abc import Callable

CHANNELS: Final = ("audience_due", "audience_changed", "ad_account_stopped")
"""`audience_due`: without a payload. `audience_changed`: the audience's number.

`ad_account_stopped`: the id of an ad account that no calls may be made for until a new time.
"""
RECONNECT_S: Final = 1.0
"""Seconds between two tries to connect."""
KEEP_ALIVE_S: Final = 30.0
"""Seconds between two looks whether the connection still answers."""

log = structlog.get_logger(__name__)


class Subscription:
    """Remembers one hint until it is waited for."""

    def __init__(self, payload: str | None, on_close: "Callable[[Subscription], None]") -> None:
        self._payload = payload
        self._on_close = on_close
        self._hinted = asyncio.Event()

    async def wait(self, timeout_s: float) -> bool:
        """Wait for a hint that came since the last wait; False when none came in `timeout_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._hinted.wait()
        hinted = self._hinted.is_set()
        self._hinted.clear()
        return hinted

    def hint(self, payload: str | None) -> None:
        """Wake whoever waits, if the payload is the one asked for; None is for everybody."""
        if payload is None or self._payload is None or payload == self._payload:
            self._hinted.set()

    def close(self) -> None:
        """Listen no more. Harmless when repeated."""
        self._on_close(self)


class Notifications:
    """One listening connection for all subscriptions of this process; it reconnects by itself."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, set[Subscription]] = {channel: set() for channel in CHANNELS}
        self._listening: asyncio.Task[None] | None = None

    async def start(self, dsn: str) -> None:
        """Begin to listen, in the background also while Postgres cannot be reached."""
        if self._listening is not None:
            raise RuntimeError("notifications are started once")
        first_try = asyncio.Event()
        self._listening = asyncio.create_task(self._listen(dsn, first_try))
        await first_try.wait()

    async def close(self) -> None:
        """Stop listening. Harmless when repeated."""
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
            self._listening = None

    def subscribe(self, channel: str, payload: str | None) -> Subscription:
        """Be told of hints with this payload, or with any when it is None, until it is closed."""
        subscriptions = self._subscriptions[channel]
        subscription = Subscription(payload, subscriptions.discard)
        subscriptions.add(subscription)
        return subscription

    async def _listen(self, dsn: str, first_try: asyncio.Event) -> None:
        while True:
            try:
                await self._listen_once(dsn, first_try)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.info("not listening for a moment", error=type(error).__name__)
            except Exception:
                log.exception("listening failed")
            first_try.set()
            await asyncio.sleep(RECONNECT_S)

    async def _listen_once(self, dsn: str, first_try: asyncio.Event) -> None:
        """Listen until the connection is lost."""
        connection = await asyncpg.connect(
            dsn, server_settings=SERVER_SETTINGS, command_timeout=KEEP_ALIVE_S
        )
        lost = asyncio.Event()
        notice_silence(connection)
        try:
            connection.add_termination_listener(lambda _: lost.set())
            for channel in CHANNELS:
                await connection.add_listener(channel, self._hear)
            self._hint_everybody()
            first_try.set()
            await self._until_lost(connection, lost)
        finally:
            connection.terminate()

    async def _until_lost(self, connection: Connection, lost: asyncio.Event) -> None:
        """A connection whose other end vanished says nothing by itself: it is asked now and then."""
        while not lost.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(KEEP_ALIVE_S):
                    await lost.wait()
            if not lost.is_set():
                await connection.execute("select")

    def _hint_everybody(self) -> None:
        """What was sent while nobody listened is lost: everybody looks once."""
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                subscription.hint(None)

    def _hear(self, _: object, __: int, channel: str, payload: object) -> None:
        for subscription in self._subscriptions[channel]:
            subscription.hint(str(payload))
