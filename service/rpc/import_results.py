"""Adds up what comes of an import, chunk by chunk. Pure."""

from collections import Counter

from audiencesync.v1 import audience_sync_pb2 as pb

from service.rpc.convert_dropped import dropped_messages
from service.rpc.prepare_changes import PreparedChanges
from service.store.rows import Audience, MergeResult


def is_first_list(audience: Audience, result: pb.ImportResult) -> bool:
    """Whether all who are in the audience came by this import, each once: so will the next, likely."""
    return audience.member_count == result.changed_count and result.unchanged_count == 0


def note_prepared(result: pb.ImportResult, prepared: PreparedChanges) -> None:
    """Add what was noticed while a chunk was read."""
    result.unmatchable_count += prepared.unmatchable
    result.unknown_trait_count += prepared.unknown_traits
    dropped = Counter({(one.key, one.reason): one.count for one in result.dropped_identifiers})
    for one in dropped_messages(prepared.dropped):
        dropped[one.key, one.reason] += one.count
    del result.dropped_identifiers[:]
    result.dropped_identifiers.extend(
        pb.DroppedIdentifier(key=key, reason=reason, count=count)
        for (key, reason), count in sorted(dropped.items())
    )


def note_merged(result: pb.ImportResult, merged: MergeResult, *, overtaken: int) -> None:
    """Add what a merge came to; `overtaken` changes were replaced by others of their chunk."""
    result.revision = merged.revision
    result.changed_count += merged.changed_count
    result.unchanged_count += merged.unchanged_count + overtaken
