"""Listing the rows that Facebook refused."""

from collections.abc import AsyncIterator, Mapping

import grpc
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb

from service.store import syncs
from service.store.syncs import encode_sync_id
from tests.integration.rpc_refusals import refusal
from tests.integration.rpc_world import RpcWorld, running_rpc

EMAIL, PHONE = 1, 2
"""Key masks."""


@pytest.fixture
async def rpc(database_url: str) -> AsyncIterator[RpcWorld]:
    async with running_rpc(database_url) as world:
        yield world


async def refused(rpc: RpcWorld, *refusals: Mapping[tuple[int, str], int]) -> list[str]:
    """Make a sync of each of these counts, oldest first; return their ids."""
    await rpc.connect_active_audience()
    ids = []
    async with rpc.api.transaction() as connection:
        audience_no = await connection.fetchval("select audience_no from audience")
        for number, counts in enumerate(refusals, start=101):
            await connection.execute(
                "insert into sync (audience_no, sync_no, trigger, mode, state, requested_at,"
                " started_at, ended_at)"
                " values ($1, $2, 'REQUEST', 'CHANGES', 'SUCCEEDED', now(), now(), now())",
                audience_no,
                number,
            )
            await syncs.add_rejected_rows(connection, audience_no, number, counts)
            ids.append(encode_sync_id(audience_no, number))
    return ids


def asked(**fields: object) -> pb.ListRejectedRowsRequest:
    return pb.ListRejectedRowsRequest(audience_id="shoppers", **fields)  # type: ignore[arg-type]


async def test_refused_rows_are_listed_newest_sync_first_page_by_page(rpc: RpcWorld) -> None:
    old, new = await refused(
        rpc, {(EMAIL, "bad"): 2, (EMAIL, "worse"): 1}, {(EMAIL | PHONE, "bad"): 5, (PHONE, ""): 3}
    )
    found, token = [], ""
    while True:
        page = await rpc.stub.ListRejectedRows(asked(page_size=1, page_token=token))
        assert len(page.rejected_rows) == 1
        found += [
            (one.sync_id, tuple(one.keys), one.reason, one.row_count) for one in page.rejected_rows
        ]
        assert page.rejected_rows[0].HasField("sync_time")
        token = page.next_page_token
        if not token:
            break
    assert found[:2] == [
        (new, (pb.KEY_PHONE,), "", 3),
        (new, (pb.KEY_EMAIL, pb.KEY_PHONE), "bad", 5),
    ]
    assert sorted(found[2:]) == [
        (old, (pb.KEY_EMAIL,), "bad", 2),
        (old, (pb.KEY_EMAIL,), "worse", 1),
    ]


async def test_only_those_of_one_sync_are_listed_and_its_token_is_for_it_alone(
    rpc: RpcWorld,
) -> None:
    old, _ = await refused(rpc, {(EMAIL, "a"): 1, (PHONE, "b"): 2}, {(EMAIL, "c"): 4})
    page = await rpc.stub.ListRejectedRows(asked(sync_id=old, page_size=1))
    rest = await rpc.stub.ListRejectedRows(asked(sync_id=old, page_token=page.next_page_token))
    assert [one.reason for one in (*page.rejected_rows, *rest.rejected_rows)] == ["a", "b"]
    told = await refusal(rpc.stub.ListRejectedRows(asked(page_token=page.next_page_token)))
    assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


@pytest.mark.parametrize("sync_id", ["nosuch", encode_sync_id(1, 77), encode_sync_id(77, 101)])
async def test_a_sync_that_the_audience_does_not_have_is_not_found(
    rpc: RpcWorld, sync_id: str
) -> None:
    await refused(rpc, {(EMAIL, "a"): 1})
    told = await refusal(rpc.stub.ListRejectedRows(asked(sync_id=sync_id)))
    assert (told.code, told.reason) == (grpc.StatusCode.NOT_FOUND, "SYNC_NOT_FOUND")
