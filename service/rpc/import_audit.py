"""Records who took a list in: its beginning and its end, with what came of it, not its chunks."""

import hashlib
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

from service.rpc.api import Api
from service.rpc.audit import note_done_to_audience
from service.store.audit_events import AuditAction
from service.store.connection import Connection
from service.store.rows import Audience, Import

_DIGEST_DIGITS: Final = 12


async def note_begun(
    api: Api, connection: Connection, audience: Audience, header: pb.ImportHeader
) -> None:
    """Record the beginning of an import."""
    await note_done_to_audience(
        api,
        connection,
        AuditAction.BEGIN_IMPORT,
        audience,
        **{"import": _digest(header.import_id)},
        mode=import_mode_name(header.mode),
        dry_run=str(header.dry_run).lower(),
    )


async def note_finished(
    api: Api, connection: Connection, audience: Audience, header: pb.ImportHeader, taken: Import
) -> None:
    """Record the end of an import."""
    result = pb.ImportResult.FromString(taken.result)
    await note_done_to_audience(
        api,
        connection,
        AuditAction.FINISH_IMPORT,
        audience,
        **{"import": _digest(header.import_id)},
        mode=taken.mode,
        dry_run=str(taken.is_dry_run).lower(),
        listed_count=str(taken.acknowledged),
        changed_count=str(result.changed_count),
        unchanged_count=str(result.unchanged_count),
        unmatchable_count=str(result.unmatchable_count),
    )


def import_mode_name(mode: pb.ImportHeader.Mode.ValueType) -> str:
    """The store's word for a mode; not said means DELTA."""
    return pb.ImportHeader.Mode.Name(mode or pb.ImportHeader.MODE_DELTA).removeprefix("MODE_")


def _digest(import_id: str) -> str:
    """Tells imports apart without their names, which may be made of anything."""
    return hashlib.sha256(import_id.encode()).hexdigest()[:_DIGEST_DIGITS]
