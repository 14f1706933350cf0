"""What the handlers work with; made once by whoever puts the service together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

from service.clock import Clock
from service.graph.client import GraphClient
from service.rpc.group_commit import GroupCommit
from service.rpc.region_hints import RegionHints
from service.rpc.update_call import UpdateCall
from service.store.connection import Connection, Pool
from service.store.errors import map_unavailable
from service.store.notifications import Notifications
from service.store.sealing import Keyring

ACQUIRE_SECONDS_MAX: Final = 10.0
"""Seconds that a call waits for a database connection before it is UNAVAILABLE."""
CONNECT_WAIT_SECONDS_MAX: Final = 10.0
"""Seconds that ConnectAudience waits for the state reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The parts that handlers need, passed in."""

    pool: Pool
    keyring: Keyring
    graph: GraphClient
    notifications: Notifications
    clock: Clock
    connect_wait_s: float = CONNECT_WAIT_SECONDS_MAX
    regions: RegionHints = field(default_factory=RegionHints)
    updates: GroupCommit[UpdateCall, pb.UpdateMembershipResponse] = field(
        default_factory=GroupCommit
    )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for reading. Raises: StoreUnavailable."""
        with map_unavailable():
            async with self.pool.acquire(timeout=ACQUIRE_SECONDS_MAX) as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection in a transaction: all or nothing. Raises: StoreUnavailable."""
        async with self.connection() as connection, connection.transaction():
            yield connection
