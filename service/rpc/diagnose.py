"""The handler of Diagnose: what is looked at and in which order, page by page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

from service.diagnosis.ad_accounts import judge_account
from service.diagnosis.audiences import judge_audience
from service.diagnosis.database import (
    ClockFacts,
    judge_clocks,
    judge_schema,
    judge_server,
    judge_tables,
)
from service.diagnosis.findings import Finding, worst_first
from service.diagnosis.keys import judge_keys
from service.graph.objects import CustomAudience
from service.rpc.access.callers import caller
from service.rpc.access.reach import is_in_reach
from service.rpc.api import Api
from service.rpc.convert_finding import finding_message
from service.rpc.errors import AdAccountNotConnected
from service.rpc.find_audience import existing_audience
from service.rpc.gather_facts import (
    ask_about,
    audience_facts,
    schema_facts,
    server_and_clock,
)
from service.rpc.paging import page_key, page_rows, page_token
from service.store import ad_accounts, audiences, diagnosis
from service.store.rows import AdAccount, Audience

ACCOUNTS_A_PAGE: Final = 20
"""Ad accounts a page: Facebook is asked about each."""
AUDIENCES_A_PAGE: Final = 100
"""Audiences a page at most: of each some rows are read."""
ASK_SECONDS_MAX: Final = 15.0
"""Seconds that Facebook has for all accounts of a page."""
DEADLINE_SHARE: Final = 0.6
"""Share of the caller's time that Facebook may have; the rest is for the database and the way back."""
_ACCOUNTS: Final = "accounts "
_AUDIENCES: Final = "audiences "
"""What a page's key begins with: where it goes on, behind the id that follows."""


@dataclass(slots=True)
class _Page:
    """What one call looks at."""

    is_first: bool = True
    accounts: Sequence[AdAccount] = ()
    audiences: Sequence[Audience] = ()
    next_key: str = ""
    findings: list[Finding] = field(default_factory=list)


async def diagnose(
    api: Api, request: pb.DiagnoseRequest, *, time_remaining_s: float | None
) -> pb.DiagnoseResponse:
    """Look at what the page is about and judge it."""
    of = ("Diagnose", request.audience_id, request.ad_account_id)
    page = await _page(api, request, page_key(request.page_token, of=of))
    now, database_ahead = await _judge_installation(api, request, page)
    asked = await ask_about(
        api,
        page.accounts,
        now=now,
        within_s=_ask_seconds(request, time_remaining_s),
        custom_audience_id=page.audiences[0].custom_audience_id if request.audience_id else None,
    )
    for one in asked:
        page.findings.extend(judge_account(one.facts))
    if page.is_first:
        heard = (one.facebook_ahead for one in asked if one.facebook_ahead is not None)
        clocks = ClockFacts(database_ahead=database_ahead, facebook_ahead=next(heard, None))
        page.findings.extend(judge_clocks(clocks))
    told = asked[0].custom_audience if request.audience_id and asked else None
    await _judge_audiences(api, page, now, told)
    return pb.DiagnoseResponse(
        findings=map(finding_message, worst_first(page.findings)),
        next_page_token=page_token(page.next_key, of=of) if page.next_key else "",
    )


def _ask_seconds(request: pb.DiagnoseRequest, time_remaining_s: float | None) -> float:
    if request.stored_only:
        return 0.0
    if time_remaining_s is None:
        return ASK_SECONDS_MAX
    return min(ASK_SECONDS_MAX, time_remaining_s * DEADLINE_SHARE)


async def _judge_installation(
    api: Api, request: pb.DiagnoseRequest, page: _Page
) -> tuple[datetime, timedelta]:
    """Judge database and keys where that is asked for; the database's time, and how far it is ahead."""
    async with api.connection() as connection:
        server, ahead = await server_and_clock(api, connection)
        if page.is_first and _is_about_all(request):
            keyring = api.keyring
            uses = await diagnosis.list_sealing_key_uses(connection)
            parts: Iterable[Iterable[Finding]] = (
                judge_server(server),
                judge_tables(await diagnosis.list_table_signs(connection)),
                judge_schema(await schema_facts(connection)),
                judge_keys(uses, configured=keyring.key_ids, sealing_id=keyring.sealing_id),
            )
            for part in parts:
                page.findings.extend(part)
    return server.now, ahead


def _is_about_all(request: pb.DiagnoseRequest) -> bool:
    """Whether the installation is asked about, by somebody whose business it is."""
    return not (request.audience_id or request.ad_account_id or caller().is_limited)


async def _judge_audiences(
    api: Api, page: _Page, now: datetime, told: CustomAudience | None
) -> None:
    """Judge the page's audiences; `told`: what Facebook says of the one that was named."""
    async with api.connection() as connection:
        known = await audience_facts(api, connection, page.audiences, now=now)
    for facts in known:
        page.findings.extend(judge_audience(replace(facts, at_facebook=told)))


async def _page(api: Api, request: pb.DiagnoseRequest, key: str) -> _Page:
    """What the page has. Raises: AudienceNotFound, AdAccountNotConnected."""
    if request.audience_id:
        return await _of_audience(api, request.audience_id)
    page = _Page(is_first=not key)
    if not key.startswith(_AUDIENCES):
        await _take_accounts(api, request, page, key.removeprefix(_ACCOUNTS))
    if not page.next_key:
        await _take_audiences(api, request, page, key)
    return page


async def _of_audience(api: Api, audience_id: str) -> _Page:
    async with api.connection() as connection:
        audience = await existing_audience(connection, audience_id)
        account = await ad_accounts.find_ad_account(connection, audience.ad_account_id)
    return _Page(accounts=[account] if account else [], audiences=[audience])


async def _take_accounts(api: Api, request: pb.DiagnoseRequest, page: _Page, after: str) -> None:
    async with api.connection() as connection:
        if request.ad_account_id:
            account = await ad_accounts.find_ad_account(connection, request.ad_account_id)
            if account is None:
                raise AdAccountNotConnected(metadata={"ad_account_id": request.ad_account_id})
            page.accounts = [account]
            return
        found = await ad_accounts.list_ad_accounts(
            connection, after_id=after, limit=ACCOUNTS_A_PAGE + 1
        )
    if len(found) > ACCOUNTS_A_PAGE:
        page.next_key = _ACCOUNTS + found[ACCOUNTS_A_PAGE - 1].ad_account_id
    page.accounts = [
        one for one in found[:ACCOUNTS_A_PAGE] if caller().may_use_ad_account(one.ad_account_id)
    ]


async def _take_audiences(api: Api, request: pb.DiagnoseRequest, page: _Page, key: str) -> None:
    limit = min(page_rows(request.page_size), AUDIENCES_A_PAGE)
    async with api.connection() as connection:
        found = await audiences.list_audiences(
            connection,
            ad_account_id=request.ad_account_id or None,
            after_id=key.removeprefix(_AUDIENCES) if key.startswith(_AUDIENCES) else "",
            limit=limit + 1,
        )
    if len(found) > limit:
        page.next_key = _AUDIENCES + found[limit - 1].audience_id
    page.audiences = [one for one in found[:limit] if is_in_reach(one)]
