"""The handler that lists the rows that Facebook refused."""

import re
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

from service.identifiers import mask_keys
from service.rpc.api import Api
from service.rpc.convert_values import timestamp
from service.rpc.errors import PageTokenInvalid, SyncNotFound
from service.rpc.find_audience import existing_audience
from service.rpc.paging import cut_page, page_key, page_rows
from service.store import rejected_rows as store
from service.store import syncs
from service.store.connection import Connection
from service.store.history_rows import RejectedRows
from service.store.rejected_rows import RejectedRowsKey

_KEY: Final = re.compile(r"(\d{1,18})\.(\d{1,4})\.([0-9a-f]{32})", re.ASCII)


async def list_rejected_rows(
    api: Api, request: pb.ListRejectedRowsRequest
) -> pb.ListRejectedRowsResponse:
    """A page of refused rows, those of the newest sync first."""
    async with api.connection() as connection:
        audience = await existing_audience(connection, request.audience_id)
        sync_no = await _sync_no(connection, audience.audience_no, request.sync_id)
        limit = page_rows(request.page_size)
        of = ("ListRejectedRows", str(audience.audience_no), request.sync_id)
        rows = await store.list_rejected_rows(
            connection,
            audience.audience_no,
            sync_no=sync_no,
            after=_parse_key(page_key(request.page_token, of=of)),
            limit=limit + 1,
        )
    page, token = cut_page(rows, limit=limit, key=_key, of=of)
    return pb.ListRejectedRowsResponse(
        rejected_rows=[_message(row) for row in page], next_page_token=token
    )


async def _sync_no(connection: Connection, audience_no: int, sync_id: str) -> int | None:
    """The number of the audience's sync that is asked for, None for all."""
    if not sync_id:
        return None
    number = syncs.decode_sync_id(sync_id)
    if number is None or number[0] != audience_no or not await syncs.find_sync(connection, *number):
        raise SyncNotFound(metadata={"sync_id": sync_id})
    return number[1]


def _key(row: RejectedRows) -> str:
    return f"{row.sync_no}.{row.key_mask}.{row.reason_digest}"


def _parse_key(text: str) -> RejectedRowsKey | None:
    if not text:
        return None
    found = _KEY.fullmatch(text)
    if found is None:
        raise PageTokenInvalid
    return RejectedRowsKey(int(found[1]), int(found[2]), found[3])


def _message(row: RejectedRows) -> pb.RejectedRows:
    return pb.RejectedRows(
        sync_id=syncs.encode_sync_id(row.audience_no, row.sync_no),
        sync_time=timestamp(row.requested_at),
        keys=[pb.Key.Value(f"KEY_{key.name}") for key in mask_keys(row.key_mask)],
        reason=row.reason,
        row_count=row.row_count,
    )
