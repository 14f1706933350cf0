"""Asks for syncs while a list is taken in, so that Facebook has it soon after its end."""

from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub

SYNC_EVERY_MEMBERS: Final = 100_000
"""Members of a list after which what is durable of it is sent: ten calls to Facebook."""


class SyncsBeside:
    """Asks for a sync whenever so much more of a list is durable; nobody waits for them.

    One that is refused is no loss: what it would have sent is sent by the sync at the end.
    """

    def __init__(self, stub: AudienceSyncServiceStub, audience_id: str) -> None:
        self._stub = stub
        self._request = pb.SyncNowRequest(audience_id=audience_id)
        self._members = 0
        self._asked: object = None
        """Kept: a call that nobody holds is cancelled."""

    def acknowledged(self, members: int) -> None:
        """Tell that so many members of the list are durable."""
        if members - self._members >= SYNC_EVERY_MEMBERS:
            self._members = members
            self._asked = self._stub.SyncNow.future(self._request)
