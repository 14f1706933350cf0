"""Joins the handlers into the service of the contract; every method is one line."""
# ruff: noqa: ARG002, N802 -- names and parameters are the contract's

from collections.abc import AsyncIterator
from contextlib import aclosing

from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceServicer

from service.rpc import (
    ad_accounts,
    audiences,
    audit_events,
    connect_audience,
    diagnose,
    imports,
    membership,
    rejected_rows,
    syncs,
)
from service.rpc.api import Api
from service.rpc.calls import Context


class Servicer(AudienceSyncServiceServicer):
    """AudienceSyncService over `api`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def ConnectAdAccount(
        self, request: pb.ConnectAdAccountRequest, context: Context
    ) -> pb.ConnectAdAccountResponse:
        return await ad_accounts.connect_ad_account(self._api, request)

    async def GetAdAccount(
        self, request: pb.GetAdAccountRequest, context: Context
    ) -> pb.GetAdAccountResponse:
        return await ad_accounts.get_ad_account(self._api, request)

    async def ListAdAccounts(
        self, request: pb.ListAdAccountsRequest, context: Context
    ) -> pb.ListAdAccountsResponse:
        return await ad_accounts.list_ad_accounts(self._api, request)

    async def ConnectAudience(
        self, request: pb.ConnectAudienceRequest, context: Context
    ) -> pb.ConnectAudienceResponse:
        return await connect_audience.connect_audience(
            self._api, request, time_remaining_s=context.time_remaining()
        )

    async def GetAudience(
        self, request: pb.GetAudienceRequest, context: Context
    ) -> pb.GetAudienceResponse:
        return await audiences.get_audience(self._api, request)

    async def ListAudiences(
        self, request: pb.ListAudiencesRequest, context: Context
    ) -> pb.ListAudiencesResponse:
        return await audiences.list_audiences(self._api, request)

    async def UpdateAudience(
        self, request: pb.UpdateAudienceRequest, context: Context
    ) -> pb.UpdateAudienceResponse:
        return await audiences.update_audience(self._api, request)

    async def PauseAudience(
        self, request: pb.PauseAudienceRequest, context: Context
    ) -> pb.PauseAudienceResponse:
        return await audiences.pause_audience(self._api, request)

    async def ResumeAudience(
        self, request: pb.ResumeAudienceRequest, context: Context
    ) -> pb.ResumeAudienceResponse:
        return await audiences.resume_audience(self._api, request)

    async def DisconnectAudience(
        self, request: pb.DisconnectAudienceRequest, context: Context
    ) -> pb.DisconnectAudienceResponse:
        return await audiences.disconnect_audience(self._api, request)

    async def UpdateMembership(
        self, request: pb.UpdateMembershipRequest, context: Context
    ) -> pb.UpdateMembershipResponse:
        return await membership.update_membership(self._api, request)

    async def ImportMembership(
        self, requests: AsyncIterator[pb.ImportMembershipRequest], context: Context
    ) -> AsyncIterator[pb.ImportMembershipResponse]:
        async with aclosing(imports.import_membership(self._api, requests)) as answers:
            async for answer in answers:
                yield answer

    async def SyncNow(self, request: pb.SyncNowRequest, context: Context) -> pb.SyncNowResponse:
        return await syncs.sync_now(self._api, request)

    async def GetSync(self, request: pb.GetSyncRequest, context: Context) -> pb.GetSyncResponse:
        return await syncs.get_sync(self._api, request)

    async def ListSyncs(
        self, request: pb.ListSyncsRequest, context: Context
    ) -> pb.ListSyncsResponse:
        return await syncs.list_syncs(self._api, request)

    async def ListRejectedRows(
        self, request: pb.ListRejectedRowsRequest, context: Context
    ) -> pb.ListRejectedRowsResponse:
        return await rejected_rows.list_rejected_rows(self._api, request)

    async def ListAuditEvents(
        self, request: pb.ListAuditEventsRequest, context: Context
    ) -> pb.ListAuditEventsResponse:
        return await audit_events.list_audit_events(self._api, request)

    async def WatchSync(
        self, request: pb.WatchSyncRequest, context: Context
    ) -> AsyncIterator[pb.WatchSyncResponse]:
        async with aclosing(syncs.watch_sync(self._api, request)) as moves:
            async for move in moves:
                yield move

    async def Diagnose(self, request: pb.DiagnoseRequest, context: Context) -> pb.DiagnoseResponse:
        return await diagnose.diagnose(
            self._api, request, time_remaining_s=context.time_remaining()
        )
