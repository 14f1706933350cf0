"""Converts ad accounts to the contract. What is sealed never gets here."""

from audiencesync.v1 import audience_sync_pb2 as pb

from service.rpc.convert_values import timestamp
from service.store.rows import AdAccount


def ad_account_message(account: AdAccount) -> pb.AdAccount:
    """Convert an ad account."""
    blocked = account.blocked_reason is not None
    return pb.AdAccount(
        ad_account_id=account.ad_account_id,
        name=account.name,
        state=pb.AdAccount.STATE_BLOCKED if blocked else pb.AdAccount.STATE_ACTIVE,
        app_id=account.app_id,
        token_expire_time=timestamp(account.token_expires_at),
        scopes=sorted(account.scopes),
        create_time=timestamp(account.created_at),
        update_time=timestamp(account.updated_at),
        throttled_until_time=timestamp(account.throttled_until),
    )
