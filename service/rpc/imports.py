"""The handler of ImportMembership: takes a list in, each chunk in a transaction of its own."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Final, TypeVar

from audiencesync.v1 import audience_sync_pb2 as pb

from service.identifiers.column_values import ColumnValues
from service.rpc.api import Api
from service.rpc.call_log import notes
from service.rpc.errors import (
    DATABASE_RETRY_S,
    DatabaseUnavailable,
    ImportIdReused,
    InvalidField,
    ReplaceUnderWay,
    ServiceError,
)
from service.rpc.find_audience import writable_audience
from service.rpc.import_audit import import_mode_name, note_begun
from service.rpc.import_chunks import prepare_chunk, take_chunk, values_in
from service.rpc.prepare_changes import PreparedChanges
from service.store import imports
from service.store.connection import Connection
from service.store.errors import StoreUnavailable
from service.store.rows import Import

T = TypeVar("T")

IDLE_REPLACE_KEPT: Final = timedelta(hours=1)
"""An unfinished import that replaces gives way to another once nobody has touched it for so long."""


async def import_membership(
    api: Api, requests: AsyncIterator[pb.ImportMembershipRequest]
) -> AsyncGenerator[pb.ImportMembershipResponse, None]:
    """Answer the header with where to go on, and each chunk once it is durable."""
    first = await anext(requests, None)
    if first is None:
        return
    header = _header(first)
    notes().audience_id = header.audience_id
    begun, default_region = await _begin(api, header)
    yield answer_of(begun)
    coming = _prepared_chunks(api, header, values_in(api, default_region), requests)
    taken = begun
    try:
        async with aclosing(one_ahead(coming)) as chunks:
            async for chunk, prepared in chunks:
                taken = await take_chunk(api, header, chunk, prepared)
                yield answer_of(taken)
    except ServiceError as error:
        error.metadata.setdefault("acknowledged_offset", str(taken.acknowledged))
        raise
    except StoreUnavailable as error:
        where = {"acknowledged_offset": str(taken.acknowledged)}
        raise DatabaseUnavailable(metadata=where, retry_after_s=DATABASE_RETRY_S) from error


async def _prepared_chunks(
    api: Api,
    header: pb.ImportHeader,
    values: ColumnValues,
    requests: AsyncIterator[pb.ImportMembershipRequest],
) -> AsyncGenerator[tuple[pb.ImportChunk, PreparedChanges], None]:
    async for request in requests:
        if request.WhichOneof("part") == "header":
            raise InvalidField.of("header", "must be in the first message only")
        _check_chunk(header, request.chunk)
        yield request.chunk, await prepare_chunk(api, request.chunk, values)


async def one_ahead(items: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """The items, each made while the one before is worked on: here we compute, there Postgres does."""
    async with aclosing(items):
        coming = asyncio.create_task(_next(items))
        try:
            while (item := await coming) is not None:
                coming = asyncio.create_task(_next(items))
                yield item
        finally:
            coming.cancel()
            await asyncio.wait([coming])


async def _next(items: AsyncGenerator[T, None]) -> T | None:
    return await anext(items, None)


def answer_of(taken: Import) -> pb.ImportMembershipResponse:
    """What is durable, and the result once the list is whole."""
    result = pb.ImportResult.FromString(taken.result)
    answer = pb.ImportMembershipResponse(
        acknowledged_offset=taken.acknowledged, dropped_identifiers=result.dropped_identifiers
    )
    if taken.is_finished:
        answer.result.CopyFrom(result)
    return answer


def _header(request: pb.ImportMembershipRequest) -> pb.ImportHeader:
    if request.WhichOneof("part") != "header":
        raise InvalidField.of("header", "must be in the first message")
    return request.header


def _check_chunk(header: pb.ImportHeader, chunk: pb.ImportChunk) -> None:
    if chunk.HasField("members"):
        _check_columns(header, chunk)
    elif not chunk.changes and not chunk.final:
        raise InvalidField.of("chunk.changes", "must not be empty but in a final chunk")
    if header.mode != pb.ImportHeader.MODE_REPLACE:
        return
    for index, change in enumerate(chunk.changes):
        if change.operation != pb.Change.OPERATION_ADD:
            path = f"chunk.changes[{index}].operation"
            raise InvalidField.of(path, "must be OPERATION_ADD in MODE_REPLACE")
        if change.HasField("occurred_at"):
            path = f"chunk.changes[{index}].occurred_at"
            raise InvalidField.of(path, "must not be set in MODE_REPLACE: the list has one time")


def _check_columns(header: pb.ImportHeader, chunk: pb.ImportChunk) -> None:
    if chunk.changes:
        raise InvalidField.of("chunk.changes", "must be empty beside members")
    is_replace = header.mode == pb.ImportHeader.MODE_REPLACE
    if is_replace and chunk.members.operation != pb.Change.OPERATION_ADD:
        raise InvalidField.of("chunk.members.operation", "must be OPERATION_ADD in MODE_REPLACE")


async def _begin(api: Api, header: pb.ImportHeader) -> tuple[Import, str]:
    """Begin the import, or find how far it is; with the audience's region.

    Raises: ImportIdReused, ReplaceUnderWay.
    """
    mode = import_mode_name(header.mode)
    async with api.transaction() as connection:
        audience = await writable_audience(connection, header.audience_id)
        number = audience.audience_no
        known = await imports.lock_import(connection, number, header.import_id)
        if known is not None:
            if (known.mode, known.is_dry_run) != (mode, header.dry_run):
                raise ImportIdReused(metadata={"import_id": header.import_id})
            return known, audience.default_region
        if mode == "REPLACE":
            await _make_way(api, connection, number, supersedes=header.supersede)
        begun = await imports.begin_import(
            connection,
            number,
            header.import_id,
            mode=mode,
            is_dry_run=header.dry_run,
            now=api.clock.now(),
        )
        await note_begun(api, connection, audience, header)
    return begun, audience.default_region


async def _make_way(
    api: Api, connection: Connection, audience_no: int, *, supersedes: bool
) -> None:
    """Give up another import: one that nobody goes on with, or any if that is wished.

    Raises: ReplaceUnderWay.
    """
    other = await imports.find_open_replace(connection, audience_no)
    if other is None:
        return
    is_idle = other.touched_at <= api.clock.now() - IDLE_REPLACE_KEPT
    if not is_idle and not supersedes:
        raise ReplaceUnderWay(metadata={"import_id": other.import_id})
    await imports.give_up_import(connection, audience_no, other.import_id)
