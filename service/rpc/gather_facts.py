"""Gathers what a diagnosis judges: from the database, the process itself, and Facebook."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from service.diagnosis.audience_facts import AudienceFacts
from service.diagnosis.database import SchemaFacts
from service.diagnosis.sample import RowSample, Sampler
from service.rpc.api import Api
from service.rpc.ask_facebook import Asked, Known, ask_about_all, stored_facts
from service.rpc.slices import Slices
from service.store import ad_accounts, diagnosis
from service.store.connection import Connection
from service.store.diagnosis_rows import ServerSigns
from service.store.membership import read_member_page
from service.store.migrations import MIGRATIONS_DIR, read_migrations
from service.store.rows import AdAccount, Audience

IDLE_IN_TRANSACTION_S: Final = 300.0
"""Seconds; ours are ended after one minute, so these are others'."""
SIGNS_WITHIN: Final = timedelta(days=7)
"""How far back syncs and dropped values count."""
SAMPLE_ROWS: Final = 2_000
"""Rows of an audience that are looked at. Their order is that of hashes, so the first are as good as any."""

ROWS_AT_ONCE: Final = 50
"""Rows that are looked at without a look at the clock: half a millisecond."""


async def server_and_clock(api: Api, connection: Connection) -> tuple[ServerSigns, timedelta]:
    """How the server is set up, and how far its clock is ahead of ours."""
    before = api.clock.now()
    signs = await diagnosis.read_server_signs(connection, idle_s=IDLE_IN_TRANSACTION_S)
    middle = before + (api.clock.now() - before) / 2
    return signs, signs.now - middle


async def schema_facts(connection: Connection) -> SchemaFacts:
    """How the database's migrations compare with this program's."""
    known = read_migrations(MIGRATIONS_DIR)
    applied = await diagnosis.list_applied_migrations(connection)
    different = (
        taken.version
        for step, taken in zip(known, applied, strict=False)
        if (step.version, step.checksum) != (taken.version, taken.checksum)
    )
    return SchemaFacts(known=len(known), applied=len(applied), different=next(different, None))


async def ask_about(
    api: Api,
    accounts: Sequence[AdAccount],
    *,
    now: datetime,
    within_s: float,
    custom_audience_id: str | None = None,
) -> list[Asked]:
    """What is known of accounts, and what Facebook says. 0 seconds: it is not asked."""
    known: list[Known] = []
    async with api.connection() as connection:
        for account in accounts:
            signs = await diagnosis.read_ad_account_signs(connection, account.ad_account_id)
            known.append(stored_facts(account, signs, keyring=api.keyring, now=now))
    if within_s <= 0:
        return [Asked(facts=facts) for facts, _ in known]
    asked = await ask_about_all(
        known,
        graph=api.graph,
        clock=api.clock,
        within_s=within_s,
        custom_audience_id=custom_audience_id,
    )
    await _heed_limits(api, asked, now)
    return asked


async def _heed_limits(api: Api, asked: Sequence[Asked], now: datetime) -> None:
    """Let syncs, of all replicas, wait for a limit that was met here."""
    for one in asked:
        if one.throttled_s is not None:
            until = now + timedelta(seconds=one.throttled_s)
            async with api.connection() as connection:
                await ad_accounts.throttle_ad_account(
                    connection, one.facts.stored.ad_account_id, until
                )


async def audience_facts(
    api: Api, connection: Connection, audiences: Sequence[Audience], *, now: datetime
) -> list[AudienceFacts]:
    """What is known of audiences."""
    return [await _facts_of(api, connection, audience, now) for audience in audiences]


async def _facts_of(
    api: Api, connection: Connection, audience: Audience, now: datetime
) -> AudienceFacts:
    number, since = audience.audience_no, now - SIGNS_WITHIN
    signs = await diagnosis.read_audience_signs(
        connection, number, synced_revision=audience.synced_revision, since=since
    )
    return AudienceFacts(
        stored=audience,
        signs=signs,
        now=now,
        dropped=await diagnosis.list_dropped_signs(connection, number, since=since),
        sample=await _sample(api, connection, number),
    )


async def _sample(api: Api, connection: Connection, audience_no: int) -> RowSample:
    """Look at some rows, giving the loop away in between."""
    rows = await read_member_page(
        connection, audience_no, after_key=None, after_row_no=None, limit=SAMPLE_ROWS
    )
    sampler, slices = Sampler(), Slices(api.clock.monotonic)
    for start in range(0, len(rows), ROWS_AT_ONCE):
        sampler.look_at(row.packed_row for row in rows[start : start + ROWS_AT_ONCE])
        if slices.is_used_up():
            await slices.give_way()
    return sampler.sample()
