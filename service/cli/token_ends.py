"""Tells of access tokens that end soon."""

from collections.abc import Iterator
from datetime import UTC, datetime

from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub

from service.cli.client import call
from service.store.token_end import days_left, ends_soon


def ad_accounts(stub: AudienceSyncServiceStub) -> Iterator[pb.AdAccount]:
    """All ad accounts, by id."""
    token = ""
    while True:
        page = call(stub.ListAdAccounts, pb.ListAdAccountsRequest(page_token=token))
        yield from page.ad_accounts
        token = page.next_page_token
        if not token:
            return


def token_end(account: pb.AdAccount, now: datetime) -> str:
    """When an account's token ends, in UTC, and how soon that is."""
    ends_at = _ends_at(account)
    if ends_at is None:
        return "does not expire"
    told = f"{ends_at:%Y-%m-%d %H:%M}"
    left = days_left(ends_at, now)
    if ends_at <= now:
        return f"{told}, it has ended: connect the ad account again"
    return f"{told}, in {left:,} days" + (
        ": connect the ad account again" if ends_soon(ends_at, now) else ""
    )


def warnings(accounts: Iterator[pb.AdAccount], now: datetime) -> Iterator[str]:
    """A line for each token that has ended or will soon."""
    for account in accounts:
        if ends_soon(_ends_at(account), now):
            yield f"access token of {account.ad_account_id} ends {token_end(account, now)}"


def _ends_at(account: pb.AdAccount) -> datetime | None:
    if not account.HasField("token_expire_time"):
        return None
    return account.token_expire_time.ToDatetime(tzinfo=UTC)
