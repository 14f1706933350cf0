"""The gRPC server on a loopback port, over a database and a Facebook of few answers."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import grpc.aio
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub

from service.clock import Clock
from service.graph.client import GraphClient
from service.graph.transport import open_http_session
from service.rpc.api import Api
from service.rpc.server import RpcLimits, RpcServer
from service.store import audiences, leases
from service.store.connection import Connection
from service.store.notifications import Notifications
from service.store.pool import open_pool
from service.store.rows import Work
from service.store.sealing import Keyring
from tests.integration.rpc_graph_double import GraphDouble, running_graph_double

if TYPE_CHECKING:
    from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceAsyncStub

SEALING_KEYS = "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
TOKEN = "EAABtestTokenOfTheShop"
MESSAGE_BYTES_MAX = 4 * 1024 * 1024


@dataclass(slots=True, kw_only=True)
class RpcWorld:
    """The parts that tests talk to."""

    api: Api
    server: RpcServer
    channel: grpc.aio.Channel
    stub: "AudienceSyncServiceAsyncStub"
    graph: GraphDouble
    custom_audience_ids: Iterator[int]

    async def connect_account(self, ad_account_id: str = "act_1") -> pb.AdAccount:
        request = pb.ConnectAdAccountRequest(ad_account_id=ad_account_id, access_token=TOKEN)
        return (await self.stub.ConnectAdAccount(request)).ad_account

    async def connect_audience(self, audience_id: str = "shoppers") -> pb.Audience:
        """Connect an audience as far as no worker is needed: it stays CONNECTING."""
        await self.connect_account()
        return (await self._connect(audience_id)).audience

    async def connect_active_audience(self, audience_id: str = "shoppers") -> pb.Audience:
        await self.connect_account()
        due = self.api.notifications.subscribe("audience_due", "")
        waiting = asyncio.ensure_future(self._connect(audience_id))
        while not await self._is_stored(audience_id):  # what is heard may be of another audience
            assert await due.wait(10)
        await self.create_on_facebook()
        await waiting
        return await self.audience(audience_id)

    async def _connect(self, audience_id: str) -> pb.ConnectAudienceResponse:
        request = pb.ConnectAudienceRequest(
            audience_id=audience_id, ad_account_id="act_1", name="Shoppers"
        )
        return await self.stub.ConnectAudience(request)

    async def _is_stored(self, audience_id: str) -> bool:
        async with self.api.connection() as connection:
            return await audiences.find_audience(connection, audience_id) is not None

    async def create_on_facebook(self) -> int:
        """Do what the worker does with a wish; gives the number of the audience."""
        async with self.api.transaction() as connection:
            work = await claim(connection)
            while work.custom_audience_id is not None:
                work = await claim(connection)
            custom_audience_id = str(next(self.custom_audience_ids))
            assert await leases.set_custom_audience(
                connection,
                work.audience_no,
                work.lease_token,
                custom_audience_id=custom_audience_id,
                adopted=False,
                told_name=work.name,
                told_description=work.description,
            )
            await leases.release(connection, work.audience_no, work.lease_token, due_at=None)
            return work.audience_no

    async def finish_disconnect(self) -> None:
        """Do what the worker does with the wish to disconnect."""
        async with self.api.transaction() as connection:
            work = await claim(connection)
            assert await leases.finish_disconnect(connection, work.audience_no, work.lease_token)

    async def connected_ids(self) -> list[str]:
        listed = await self.stub.ListAudiences(pb.ListAudiencesRequest())
        return [one.audience_id for one in listed.audiences]

    async def audience(self, audience_id: str = "shoppers") -> pb.Audience:
        return (
            await self.stub.GetAudience(pb.GetAudienceRequest(audience_id=audience_id))
        ).audience


async def claim(connection: Connection) -> Work:
    """Take an audience that is due, as a worker does."""
    work = await leases.claim_due(
        connection, holder="test", lease_s=60, quiet_s=60, recheck_after_s=3600
    )
    assert work is not None
    return work


@asynccontextmanager
async def running_rpc(database_url: str, *, connect_wait_s: float = 0.2) -> AsyncIterator[RpcWorld]:
    async with AsyncExitStack() as stack:
        graph = await stack.enter_async_context(running_graph_double())
        session = await stack.enter_async_context(open_http_session())
        pool = await open_pool(database_url, size=5)
        stack.push_async_callback(pool.close)
        notifications = Notifications()
        await notifications.start(database_url)
        stack.push_async_callback(notifications.close)
        api = Api(
            pool=pool,
            keyring=Keyring.from_text(SEALING_KEYS),
            graph=GraphClient(session, base_url=graph.url, timeout_s=5),
            notifications=notifications,
            clock=Clock(),
            connect_wait_s=connect_wait_s,
        )
        server, channel = await stack.enter_async_context(running_server(api))
        yield RpcWorld(
            api=api,
            server=server,
            channel=channel,
            stub=AudienceSyncServiceStub(channel),
            graph=graph,
            custom_audience_ids=count(9001),
        )


@asynccontextmanager
async def running_server(
    api: Api, *, in_work_max: int = 2 * MESSAGE_BYTES_MAX
) -> AsyncIterator[tuple[RpcServer, grpc.aio.Channel]]:
    numbers = count(1)
    limits = RpcLimits(message_bytes_max=MESSAGE_BYTES_MAX, message_bytes_in_work_max=in_work_max)
    server = RpcServer(
        api,
        address="127.0.0.1:0",
        new_error_id=lambda: f"error-{next(numbers)}",
        limits=limits,
    )
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield server, channel
    await server.stop(0)
