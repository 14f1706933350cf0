"""Handlers of ad accounts. Facebook is only read from here, never written to."""

from audiencesync.v1 import audience_sync_pb2 as pb

from service.graph.credentials import Credentials
from service.rpc.access.callers import caller
from service.rpc.ad_account_checks import check_with_facebook
from service.rpc.api import Api
from service.rpc.audit import note_action
from service.rpc.convert_ad_account import ad_account_message
from service.rpc.errors import AdAccountNotConnected
from service.rpc.paging import cut_page, page_key, page_rows
from service.store import ad_accounts as store
from service.store.ad_account_secrets import AdAccountSecrets
from service.store.audit_events import AuditAction, AuditSubject


async def connect_ad_account(
    api: Api, request: pb.ConnectAdAccountRequest
) -> pb.ConnectAdAccountResponse:
    """Check with Facebook first; store only what passed."""
    credentials = Credentials(
        access_token=request.access_token,
        app_id=request.app_id or None,
        app_secret=request.app_secret or None,
    )
    token, account = await check_with_facebook(
        api.graph, credentials, request.ad_account_id, now=api.clock.now()
    )
    sealed = AdAccountSecrets(
        access_token=request.access_token, app_secret=request.app_secret or None
    ).sealed(api.keyring, request.ad_account_id)
    async with api.transaction() as connection:
        stored = await store.put_ad_account(
            connection,
            ad_account_id=request.ad_account_id,
            name=account.name,
            app_id=request.app_id,
            sealed_access_token=sealed.access_token,
            sealed_app_secret=sealed.app_secret,
            token_expires_at=token.expires_at,
            scopes=sorted(token.scopes),
        )
        subject = AuditSubject(ad_account_id=request.ad_account_id)
        await note_action(api, connection, AuditAction.CONNECT_AD_ACCOUNT, subject)
    return pb.ConnectAdAccountResponse(ad_account=ad_account_message(stored))


async def get_ad_account(api: Api, request: pb.GetAdAccountRequest) -> pb.GetAdAccountResponse:
    """One ad account."""
    async with api.connection() as connection:
        account = await store.find_ad_account(connection, request.ad_account_id)
    if account is None:
        raise AdAccountNotConnected(metadata={"ad_account_id": request.ad_account_id})
    return pb.GetAdAccountResponse(ad_account=ad_account_message(account))


async def list_ad_accounts(
    api: Api, request: pb.ListAdAccountsRequest
) -> pb.ListAdAccountsResponse:
    """A page of ad accounts by id; those that are not for who calls are left out of it."""
    limit, of = page_rows(request.page_size), ("ListAdAccounts",)
    after = page_key(request.page_token, of=of)
    async with api.connection() as connection:
        rows = await store.list_ad_accounts(connection, after_id=after, limit=limit + 1)
    page, token = cut_page(rows, limit=limit, key=lambda row: row.ad_account_id, of=of)
    return pb.ListAdAccountsResponse(
        ad_accounts=[
            ad_account_message(row)
            for row in page
            if caller().may_use_ad_account(row.ad_account_id)
        ],
        next_page_token=token,
    )
