"""Takes one chunk of an import in: prepared outside the locks, merged or staged inside a transaction."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

from audiencesync.v1 import audience_sync_pb2 as pb

from service.identifiers.column_values import ColumnValues
from service.identifiers.keys import RULES_VERSION
from service.rpc.api import Api
from service.rpc.errors import ImportEmpty, ImportOffsetWrong
from service.rpc.find_audience import locked_audience, refuse_leaving
from service.rpc.import_audit import note_finished
from service.rpc.import_results import is_first_list, note_merged, note_prepared
from service.rpc.prepare_changes import PreparedChanges, prepare_changes
from service.rpc.prepare_columns import prepare_columns
from service.rpc.slices import Slices
from service.store import imports
from service.store.connection import Connection
from service.store.dropped_counts import add_dropped_counts
from service.store.member_batch import MemberBatch
from service.store.membership import merge
from service.store.new_members import insert_if_new
from service.store.rows import Audience, Import, MemberChange, MergeResult


async def take_chunk(
    api: Api, header: pb.ImportHeader, chunk: pb.ImportChunk, prepared: PreparedChanges
) -> Import:
    """Take a chunk in, or find that it is taken in already; return how far the import is.

    Raises: ImportOffsetWrong, ImportEmpty, AudienceDisconnected, StoreUnavailable.
    """
    async with api.transaction() as connection:
        audience = await locked_audience(connection, header.audience_id)
        refuse_leaving(audience)
        if audience.default_region != prepared.default_region:
            values = values_in(api, audience.default_region)
            prepared = await prepare_chunk(api, chunk, values)
        taken = await _next_of(connection, audience.audience_no, header, chunk)
        if _is_repeat(taken, chunk):
            return taken
        write = _Chunk(connection, audience, api.clock.now(), taken, header, chunk)
        taken = await write.take_in(prepared)
        if taken.is_finished:
            await note_finished(api, connection, audience, header, taken)
        return taken


async def prepare_chunk(api: Api, chunk: pb.ImportChunk, values: ColumnValues) -> PreparedChanges:
    """Normalise and hash a chunk's members. Raises: InvalidField for a time that is none."""
    slices = Slices(api.clock.monotonic)
    if chunk.HasField("members"):
        return await prepare_columns(chunk.members, values=values, slices=slices)
    return await prepare_changes(chunk, values=values, now=api.clock.now(), slices=slices)


def values_in(api: Api, default_region: str) -> ColumnValues:
    """What the texts of one stream give; names and places come again in all its chunks."""
    return ColumnValues(default_region=default_region, this_year=api.clock.now().year)


async def _next_of(
    connection: Connection, audience_no: int, header: pb.ImportHeader, chunk: pb.ImportChunk
) -> Import:
    """The import, if the chunk is its next one or one before. Raises: ImportOffsetWrong."""
    taken = await imports.lock_import(connection, audience_no, header.import_id)
    if taken is None:  # given up meanwhile
        raise ImportOffsetWrong(metadata={"acknowledged_offset": "0"})
    is_next = chunk.offset == taken.acknowledged and not taken.is_finished
    if not is_next and _end(chunk) > taken.acknowledged:
        raise ImportOffsetWrong(metadata={"acknowledged_offset": str(taken.acknowledged)})
    return taken


def _is_repeat(taken: Import, chunk: pb.ImportChunk) -> bool:
    ends_it = chunk.final and _end(chunk) == taken.acknowledged
    return taken.is_finished or (_end(chunk) <= taken.acknowledged and not ends_it)


def _end(chunk: pb.ImportChunk) -> int:
    return chunk.offset + len(chunk.changes) + len(chunk.members.member_ids)


class _Chunk:
    """One chunk in its transaction."""

    def __init__(
        self,
        connection: Connection,
        audience: Audience,
        now: datetime,
        taken: Import,
        header: pb.ImportHeader,
        chunk: pb.ImportChunk,
    ) -> None:
        self._connection = connection
        self._audience = audience
        self._audience_no = audience.audience_no
        self._now = now
        self._taken = taken
        self._header = header
        self._chunk = chunk

    async def take_in(self, prepared: PreparedChanges) -> Import:
        is_new = _end(self._chunk) > self._taken.acknowledged
        result = pb.ImportResult.FromString(self._taken.result)
        if is_new:
            note_prepared(result, prepared)
            await self._count_dropped(prepared)
        if self._taken.mode == "REPLACE":
            await self._stage_or_replace(prepared if is_new else None, result)
        elif is_new:
            is_first = is_first_list(self._audience, result)
            write = self._insert_or_merge if is_first else self._merge
            merged = await self._undone_if_dry(lambda: write(prepared.changes))
            note_merged(result, merged, overtaken=prepared.overtaken)
        taken = replace(
            self._taken,
            acknowledged=_end(self._chunk),
            is_finished=self._chunk.final,
            result=result.SerializeToString(),
        )
        await imports.advance_import(self._connection, self._audience_no, taken, now=self._now)
        return taken

    async def _count_dropped(self, prepared: PreparedChanges) -> None:
        if not self._taken.is_dry_run:
            await add_dropped_counts(
                self._connection, self._audience_no, prepared.counted(), now=self._now
            )

    async def _stage_or_replace(
        self, prepared: PreparedChanges | None, result: pb.ImportResult
    ) -> None:
        if prepared is not None:
            await imports.stage_rows(
                self._connection, self._audience_no, self._chunk.offset, prepared.changes
            )
        if not self._chunk.final:
            return
        if _end(self._chunk) == 0 and not self._header.allow_empty:
            raise ImportEmpty
        merged = await self._undone_if_dry(self._replace)
        note_merged(result, merged, overtaken=0)
        await imports.drop_staged_rows(self._connection, self._audience_no)

    async def _insert_or_merge(self, changes: Sequence[MemberChange]) -> MergeResult:
        """Most likely all are new, which costs half as much to write as to find out first."""
        inserted = None
        if isinstance(changes, MemberBatch):
            inserted = await insert_if_new(
                self._connection,
                self._audience_no,
                changes,
                now=self._now,
                rules_version=RULES_VERSION,
            )
        return inserted or await self._merge(changes)

    async def _merge(self, changes: Sequence[MemberChange]) -> MergeResult:
        return await merge(
            self._connection,
            self._audience_no,
            changes,
            now=self._now,
            rules_version=RULES_VERSION,
        )

    async def _replace(self) -> MergeResult:
        return await imports.replace_membership(
            self._connection,
            self._audience_no,
            started_at=self._taken.started_at,
            now=self._now,
            rules_version=RULES_VERSION,
        )

    async def _undone_if_dry(self, write: Callable[[], Awaitable[MergeResult]]) -> MergeResult:
        """Write; of a dry run only the figures stay."""
        if not self._taken.is_dry_run:
            return await write()
        savepoint = self._connection.transaction()
        await savepoint.start()
        merged = await write()
        await savepoint.rollback()
        return merged
