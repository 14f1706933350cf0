"""Asks Facebook about stored ad accounts, within a time; what it says becomes facts to judge."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from service.clock import Clock
from service.diagnosis.ad_accounts import USAGE_FRESH, AccountFacts, Refusal, Seal
from service.graph.client import GraphClient
from service.graph.credentials import Credentials
from service.graph.failure import GraphFailure
from service.graph.objects import CustomAudience, TokenInfo
from service.graph.usage import Usage
from service.rpc.ad_account_checks import account_error_of, check_account, check_token
from service.rpc.errors import ServiceError
from service.store.diagnosis_rows import AdAccountSigns
from service.store.rows import AdAccount
from service.store.sealing import Keyring, SealingError, sealing_key_id

ACCOUNTS_AT_ONCE: Final = 8
"""Ad accounts that Facebook is asked about at the same time."""
USAGE_STOP_PERCENT: Final = 95.0
"""Of the calls allowed; syncs make none from here on, so neither do we (`service/sync/pacing.py`)."""
DEAD: Final = frozenset({"TOKEN_EXPIRED", "TOKEN_INVALID"})
"""Reasons after which no answer about the account is to be had."""
NOT_IN_TIME: Final = Refusal(
    reason="FACEBOOK_UNAVAILABLE", message="Facebook did not answer in time."
)

Known: TypeAlias = tuple[AccountFacts, Credentials | None]
"""An account by what is stored, and what to ask with; None where the token does not open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What came of asking about an account.

    `facebook_ahead`: its clock, of ours. `throttled_s`: for how long it lets no call in from now on.
    `custom_audience`: where one was asked about.
    """

    facts: AccountFacts
    custom_audience: CustomAudience | None = None
    facebook_ahead: timedelta | None = None
    throttled_s: float | None = None


def stored_facts(
    account: AdAccount, signs: AdAccountSigns | None, *, keyring: Keyring, now: datetime
) -> Known:
    """What is known without asking, and what to ask with. `now`: the database's clock."""
    seal, credentials = _open(keyring, account)
    facts = AccountFacts(stored=account, now=now, seal=seal)
    if signs is not None:
        is_fresh = now.timestamp() - signs.usage_at < USAGE_FRESH.total_seconds()
        usage = Usage(percent=signs.usage_percent) if is_fresh else None
        facts = replace(facts, usage=usage, audience_count=signs.audience_count)
    return facts, credentials


def _open(keyring: Keyring, account: AdAccount) -> tuple[Seal, Credentials | None]:
    record = f"ad_account:{account.ad_account_id}"
    sealed_secret = account.sealed_app_secret
    try:
        for sealed in filter(None, (account.sealed_access_token, sealed_secret)):
            if sealing_key_id(sealed) not in keyring.key_ids:
                return Seal.KEY_MISSING, None
        token = keyring.unseal(account.sealed_access_token, record=f"{record}:access_token")
        secret = sealed_secret and keyring.unseal(sealed_secret, record=f"{record}:app_secret")
    except SealingError:
        return Seal.DAMAGED, None
    return Seal.OPENED, Credentials(
        access_token=token, app_id=account.app_id or None, app_secret=secret or None
    )


async def ask_about_all(
    known: Sequence[Known],
    *,
    graph: GraphClient,
    clock: Clock,
    within_s: float,
    custom_audience_id: str | None = None,
) -> list[Asked]:
    """Ask about accounts, several at a time; of one that is not answered in time that is told.

    `custom_audience_id`: what else is asked about, when all of the account is well.
    """
    turns = asyncio.Semaphore(ACCOUNTS_AT_ONCE)

    async def ask(facts: AccountFacts, credentials: Credentials | None) -> Asked:
        if credentials is None or _is_stopped(facts):
            return Asked(facts=facts)
        async with turns:
            asked = await _ask(facts, credentials, graph, clock)
            if custom_audience_id is None or asked.facts.refusals:
                return asked
            return await _with_custom_audience(asked, credentials, graph, custom_audience_id)

    asking = [asyncio.create_task(ask(*one)) for one in known]
    try:
        if asking:
            await asyncio.wait(asking, timeout=within_s)
        return [
            task.result() if task.done() else Asked(facts=_refused(facts, NOT_IN_TIME))
            for task, (facts, _) in zip(asking, known, strict=True)
        ]
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


def _is_stopped(facts: AccountFacts) -> bool:
    """Whether a call would only make its wait longer."""
    until = facts.stored.throttled_until
    is_full = facts.usage is not None and facts.usage.percent >= USAGE_STOP_PERCENT
    return is_full or (until is not None and until > facts.now)


async def _ask(
    facts: AccountFacts, credentials: Credentials, graph: GraphClient, clock: Clock
) -> Asked:
    ad_account_id = facts.stored.ad_account_id
    try:
        token = await graph.debug_token(credentials)
        facts = _checked_token(facts, token, credentials, clock.now())
        if any(refusal.reason in DEAD for refusal in facts.refusals):
            return Asked(facts=facts)
        inspected = await graph.inspect_ad_account(credentials, ad_account_id)
    except GraphFailure as failure:
        refusal = _refusal(account_error_of(failure, ad_account_id))
        return Asked(facts=_refused(facts, refusal), throttled_s=failure.retry_after_s)
    facts = replace(facts, at_facebook=inspected.account, usage=inspected.usage or facts.usage)
    try:
        check_account(inspected.account, ad_account_id)
    except ServiceError as error:
        facts = _refused(facts, _refusal(error))
    answered_at = inspected.answered_at
    ahead = None if answered_at is None else answered_at - clock.now()
    return Asked(facts=facts, facebook_ahead=ahead)


async def _with_custom_audience(
    asked: Asked, credentials: Credentials, graph: GraphClient, custom_audience_id: str
) -> Asked:
    """What Facebook says of it, if it says anything: a sync would tell what it refuses."""
    try:
        custom_audience = await graph.read_custom_audience(credentials, custom_audience_id)
    except GraphFailure as failure:
        return replace(asked, throttled_s=failure.retry_after_s)
    return replace(asked, custom_audience=custom_audience)


def _checked_token(
    facts: AccountFacts, token: TokenInfo, credentials: Credentials, now: datetime
) -> AccountFacts:
    facts = replace(facts, token=token)
    try:
        check_token(token, credentials.app_id, now=now)
    except ServiceError as error:
        return _refused(facts, _refusal(error))
    return facts


def _refused(facts: AccountFacts, refusal: Refusal) -> AccountFacts:
    return replace(facts, refusals=(*facts.refusals, refusal))


def _refusal(error: ServiceError) -> Refusal:
    return Refusal(reason=error.reason, message=error.message, metadata=error.metadata)
