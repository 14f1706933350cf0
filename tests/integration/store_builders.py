"""Builds what the tests of the store start from."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg

from service.identifiers import Key, pack_row
from service.store import ad_accounts, audiences, leases
from service.store.connection import Connection
from service.store.pool import SERVER_SETTINGS, prepare_connection
from service.store.rows import Audience, ConnectWish, MemberChange, Work

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


@asynccontextmanager
async def connected(database_url: str) -> AsyncIterator[Connection]:
    """A connection set up as the pool's are."""
    connection = await asyncpg.connect(database_url, server_settings=SERVER_SETTINGS)
    try:
        await prepare_connection(connection)
        yield connection
    finally:
        await connection.close()


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def key_of(member: str) -> bytes:
    return digest(member)[:16]


def email(text: str) -> bytes:
    """A row of one e-mail."""
    return pack_row({Key.EMAIL: digest(text)})


def row(**identifiers: str) -> bytes:
    """A row by the names of its keys in lower case."""
    values = {Key[name.upper()]: digest(text) for name, text in identifiers.items()}
    if Key.MADID in values:
        values[Key.MADID] = values[Key.MADID][:16]
    return pack_row(values)


def enters(member: str, *rows: bytes, occurred_at: datetime | None = None) -> MemberChange:
    return MemberChange(key_of(member), tuple(sorted(set(rows))), occurred_at)


def leaves(member: str, *, occurred_at: datetime | None = None) -> MemberChange:
    return MemberChange(key_of(member), None, occurred_at)


async def put_account(
    connection: Connection,
    ad_account_id: str = "act_1",
    *,
    token_expires_at: datetime | None = None,
) -> None:
    await ad_accounts.put_ad_account(
        connection,
        ad_account_id=ad_account_id,
        name="Shop",
        app_id="",
        sealed_access_token=b"sealed",
        sealed_app_secret=None,
        token_expires_at=token_expires_at,
        scopes=["ads_management"],
    )


def a_wish(audience_id: str = "vip", **other: object) -> ConnectWish:
    values: dict[str, object] = {
        "audience_id": audience_id,
        "ad_account_id": "act_1",
        "name": "Very important people",
        "description": "",
        "sync_interval_s": 3600,
        "default_region": "US",
        "customer_file_source": "USER_PROVIDED_ONLY",
        "existing_custom_audience_id": None,
    }
    return ConnectWish(**(values | other))  # type: ignore[arg-type]


async def an_audience(
    connection: Connection, audience_id: str = "vip", **other: object
) -> Audience:
    """A connected audience of a connected account."""
    await put_account(connection)
    audience, created = await audiences.connect_audience(connection, a_wish(audience_id, **other))
    assert created
    return audience


async def claimed(connection: Connection, *, holder: str = "worker", lease_s: float = 60) -> Work:
    """The lease of an audience that is due."""
    work = await claim(connection, holder=holder, lease_s=lease_s)
    assert work is not None
    return work


async def claim(
    connection: Connection, *, holder: str = "worker", lease_s: float = 60
) -> Work | None:
    return await leases.claim_due(
        connection, holder=holder, lease_s=lease_s, quiet_s=60, recheck_after_s=3600
    )


async def reread(connection: Connection, audience_no: int) -> Audience:
    audience = await audiences.find_audience_by_no(connection, audience_no)
    assert audience is not None
    return audience


async def somebody_waits_for_a_lock(connection: Connection) -> None:
    """Return when another connection waits; the test's time-out bounds it."""
    waits = "select exists (select from pg_locks where not granted)"
    while not await connection.fetchval(waits):
        await asyncio.sleep(0)
