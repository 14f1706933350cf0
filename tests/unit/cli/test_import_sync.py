"""While a list is taken in, syncs are asked for now and then."""

from types import SimpleNamespace
from typing import Any, cast

from audiencesync.v1 import audience_sync_pb2 as pb

from service.cli.import_sync import SYNC_EVERY_MEMBERS, SyncsBeside


def test_a_sync_is_asked_for_whenever_so_much_more_is_durable() -> None:
    asked: list[pb.SyncNowRequest] = []
    stub = SimpleNamespace(SyncNow=SimpleNamespace(future=asked.append))
    syncs = SyncsBeside(cast("Any", stub), "newsletter")
    counts = []
    for members in (0, SYNC_EVERY_MEMBERS - 1, SYNC_EVERY_MEMBERS, SYNC_EVERY_MEMBERS + 1):
        syncs.acknowledged(members)
        counts.append(len(asked))
    syncs.acknowledged(5 * SYNC_EVERY_MEMBERS)  # an import that goes on behind an earlier run
    assert counts == [0, 0, 1, 1]
    assert asked == [pb.SyncNowRequest(audience_id="newsletter")] * 2
