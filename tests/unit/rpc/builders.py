"""Requests for tests, right unless told otherwise."""

from audiencesync.v1 import audience_sync_pb2 as pb


def a_member(member_id: str = "m1", **fields: object) -> pb.Member:
    return pb.Member(member_id=member_id, **fields)  # type: ignore[arg-type]


def an_add(member_id: str = "m1", **fields: object) -> pb.Change:
    return pb.Change(operation=pb.Change.OPERATION_ADD, member=a_member(member_id, **fields))


def a_remove(member_id: str = "m1") -> pb.Change:
    return pb.Change(operation=pb.Change.OPERATION_REMOVE, member=a_member(member_id))


def an_update(*changes: pb.Change, request_id: str = "") -> pb.UpdateMembershipRequest:
    return pb.UpdateMembershipRequest(
        audience_id="shoppers", changes=changes, request_id=request_id
    )


def a_connect(**fields: object) -> pb.ConnectAudienceRequest:
    wanted: dict[str, object] = {
        "audience_id": "shoppers",
        "ad_account_id": "act_1",
        "name": "Shoppers",
        **fields,
    }
    return pb.ConnectAudienceRequest(**wanted)  # type: ignore[arg-type]
