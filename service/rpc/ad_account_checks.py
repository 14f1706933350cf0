"""Decides whether Facebook's answers allow an ad account to be connected."""

from datetime import datetime
from typing import Final, assert_never

from service.graph.client import GraphClient
from service.graph.credentials import Credentials
from service.graph.failure import GraphFailure
from service.graph.objects import AdAccount, TokenInfo
from service.graph.verdicts import Verdict
from service.rpc import errors

SCOPE_NEEDED: Final = "ads_management"
TERMS_NEEDED: Final = "custom_audience_tos"
"""Key in `tos_accepted` that must be 1. Source: graph-contract §4.8."""
STATUSES_CLOSED: Final = frozenset({2, 100, 101, 202})
"""Disabled, pending closure, closed, any closed. Those that merely owe money or are under review
keep their lists. Source: graph-contract §9."""
SUBCODE_EXPIRED: Final = 463
"""With code 190: the token has expired. Source: graph-contract §7.3."""
FACEBOOK_RETRY_SECONDS: Final = 1.0
"""Seconds that callers are asked to wait after an answer that proves nothing."""

_TERMS_URL: Final = "https://business.facebook.com/ads/manage/customaudiences/tos/?act="


async def check_with_facebook(
    graph: GraphClient, credentials: Credentials, ad_account_id: str, *, now: datetime
) -> tuple[TokenInfo, AdAccount]:
    """Read the token and the account, and refuse what would fail later. Raises: ServiceError."""
    try:
        token = await graph.debug_token(credentials)
    except GraphFailure as failure:
        raise error_of(failure) from failure
    check_token(token, credentials.app_id, now=now)
    try:
        account = await graph.read_ad_account(credentials, ad_account_id)
    except GraphFailure as failure:
        raise account_error_of(failure, ad_account_id) from failure
    check_account(account, ad_account_id)
    return token, account


def check_token(token: TokenInfo, app_id: str | None, *, now: datetime) -> None:
    """Refuse a token that is dead, of another app, or lacks the permission."""
    expired_at = token.expires_at
    if expired_at is not None and expired_at <= now:
        raise errors.TokenExpired(metadata={"expired_at": expired_at.isoformat()})
    if not token.is_valid:
        raise _dead_token(token.error_code, token.error_subcode, "")
    if app_id is not None and token.app_id not in ("", app_id):
        raise errors.TokenInvalid("The token belongs to another app.")
    if SCOPE_NEEDED not in token.scopes:
        raise errors.ScopeMissing(metadata={"scope": SCOPE_NEEDED})


def check_account(account: AdAccount, ad_account_id: str) -> None:
    """Refuse an account that is closed, or whose terms are not accepted."""
    if account.account_status in STATUSES_CLOSED:
        raise errors.AdAccountInactive(
            metadata={
                "ad_account_id": ad_account_id,
                "account_status": str(account.account_status),
            }
        )
    if account.tos_accepted.get(TERMS_NEEDED) != 1:
        raise _terms(ad_account_id)


def account_error_of(failure: GraphFailure, ad_account_id: str) -> errors.ServiceError:
    """The error that tells a caller why the account could not be read."""
    if failure.verdict in (Verdict.GONE, Verdict.PERMISSION):
        codes = _codes(failure.code, failure.subcode, failure.trace_id)
        return errors.AdAccountNotVisible(metadata={"ad_account_id": ad_account_id, **codes})
    if failure.verdict is Verdict.TERMS:
        return _terms(ad_account_id)
    return error_of(failure)


def error_of(failure: GraphFailure) -> errors.ServiceError:
    """The error that tells a caller of a failed call, whatever was called."""
    match failure.verdict:
        case Verdict.TOKEN:
            return _dead_token(failure.code, failure.subcode, failure.trace_id)
        case Verdict.LIMITED:
            return errors.FacebookThrottled(
                metadata={"trace_id": failure.trace_id}, retry_after_s=failure.retry_after_s
            )
        case (
            Verdict.TRANSIENT
            | Verdict.NOT_SENT
            | Verdict.UNKNOWN_OUTCOME
            | Verdict.BUSY
            | Verdict.NOT_READY
        ):
            return errors.FacebookUnavailable(
                metadata={"verdict": failure.verdict.value, "trace_id": failure.trace_id},
                retry_after_s=FACEBOOK_RETRY_SECONDS,
            )
        case (
            Verdict.GONE
            | Verdict.PERMISSION
            | Verdict.TERMS
            | Verdict.FLAGGED
            | Verdict.TOO_SMALL
            | Verdict.MODE_LOCKED
            | Verdict.POLICY
            | Verdict.TOO_LARGE
            | Verdict.REJECTED
        ):
            return errors.FacebookRefused(
                f"Facebook refuses the request: {failure.message}",
                metadata=_codes(failure.code, failure.subcode, failure.trace_id),
            )
        case _:
            assert_never(failure.verdict)


def _dead_token(code: int | None, subcode: int | None, trace_id: str) -> errors.ServiceError:
    metadata = _codes(code, subcode, trace_id)
    if subcode == SUBCODE_EXPIRED:
        return errors.TokenExpired(metadata=metadata)
    return errors.TokenInvalid(metadata=metadata)


def _terms(ad_account_id: str) -> errors.TermsNotAccepted:
    url = _TERMS_URL + ad_account_id.removeprefix("act_")
    return errors.TermsNotAccepted(metadata={"ad_account_id": ad_account_id, "url": url})


def _codes(code: int | None, subcode: int | None, trace_id: str) -> dict[str, str]:
    return {"code": str(code or 0), "subcode": str(subcode or 0), "trace_id": trace_id}
