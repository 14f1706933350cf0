"""Converts what was dropped to the contract."""

from collections.abc import Iterable, Mapping

from audiencesync.v1 import audience_sync_pb2 as pb

from service.identifiers.keys import DropReason, Key


def dropped_messages(
    dropped: Mapping[tuple[Key, DropReason], int],
) -> Iterable[pb.DroppedIdentifier]:
    """What was dropped, by kind and reason."""
    return [
        pb.DroppedIdentifier(
            key=pb.Key.Value(f"KEY_{key.name}"),
            reason=pb.DropReason.Value(f"DROP_REASON_{reason.name}"),
            count=count,
        )
        for (key, reason), count in sorted(dropped.items())
    ]
