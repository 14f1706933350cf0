"""Owns the caller of a list: a process that has it ready as bytes, sends it when told, and tells.

Started as `python -m tests.benchmarks.list_caller SERVER AUDIENCE_ID MEMBERS KEYS MODE IMPORT_ID
CHANGED SYNCS`; with SYNCS 1 it asks for syncs meanwhile, as `audience-sync import --sync`. It says in one line of JSON that it is connected and ready, does what a line on its input
tells it, and says what came of it in another.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from itertools import islice
from typing import Final

import grpc
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub

from service.cli.import_sync import SyncsBeside
from tests.benchmarks.lists import RECONNECT, SEND
from tests.benchmarks.member_texts import MemberTexts, member_texts
from tests.benchmarks.usage import peak_mb

CHUNK_MEMBERS: Final = 10_000
CHUNKS_AHEAD: Final = 4
METHOD: Final = "/audiencesync.v1.AudienceSyncService/ImportMembership"
CONNECT_S_MAX: Final = 30


def main() -> None:
    server, audience_id, members, keys, mode, import_id, changed, syncs = sys.argv[1:]
    header = pb.ImportHeader(
        audience_id=audience_id, import_id=import_id, mode=pb.ImportHeader.Mode.Value(mode)
    )
    requests = list(_requests(header, int(members), keys == "8", int(changed)))
    word = RECONNECT
    while word == RECONNECT:
        with _connected(server) as channel:
            _tell({"ready": len(requests)})
            word = sys.stdin.readline().strip()
            if word == SEND:
                beside = SyncsBeside(AudienceSyncServiceStub(channel), audience_id)
                _send_and_tell(channel, requests, beside if syncs == "1" else None)


def _connected(server: str) -> grpc.Channel:
    """A connection of its own, which is there."""
    channel = grpc.insecure_channel(server, [("grpc.use_local_subchannel_pool", 1)])
    grpc.channel_ready_future(channel).result(CONNECT_S_MAX)
    return channel


def _send_and_tell(channel: grpc.Channel, requests: list[bytes], syncs: SyncsBeside | None) -> None:
    cpu, began = time.process_time(), time.monotonic()
    result = _send(channel, requests, syncs)
    _tell(
        {
            "wall_s": time.monotonic() - began,
            "cpu_s": time.process_time() - cpu,
            "changed": result.changed_count,
            "peak_mb": peak_mb(os.getpid()),
        }
    )


def _tell(told: dict[str, float]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _send(
    channel: grpc.Channel, requests: list[bytes], syncs: SyncsBeside | None
) -> pb.ImportResult:
    """Send bytes that are made already: what a caller's own language needs is not ours to measure."""
    ahead = threading.Semaphore(CHUNKS_AHEAD)

    def paced() -> Iterator[bytes]:
        for request in requests:
            ahead.acquire()
            yield request

    call = channel.stream_stream(
        METHOD,
        request_serializer=bytes,
        response_deserializer=pb.ImportMembershipResponse.FromString,
    )
    for answer in call(paced()):
        ahead.release()
        if syncs is not None:
            syncs.acknowledged(answer.acknowledged_offset)
        if answer.HasField("result"):
            return answer.result
    raise RuntimeError("the import ended without a result")


def _requests(
    header: pb.ImportHeader,
    members: int,
    has_all_keys: bool,  # noqa: FBT001
    changed: int,
) -> Iterator[bytes]:
    yield pb.ImportMembershipRequest(header=header).SerializeToString()
    texts = enumerate(member_texts(members))
    for offset in range(0, members, CHUNK_MEMBERS):
        columns = pb.MemberColumns(operation=pb.Change.OPERATION_ADD)
        for number, member in islice(texts, CHUNK_MEMBERS):
            is_changed = changed > 0 and number % (members // changed) == 0
            _add(columns, number, member, has_all_keys, is_changed)
        final = offset + CHUNK_MEMBERS >= members
        chunk = pb.ImportChunk(offset=offset, members=columns, final=final)
        yield pb.ImportMembershipRequest(chunk=chunk).SerializeToString()


def _add(
    columns: pb.MemberColumns,
    number: int,
    texts: MemberTexts,
    has_all_keys: bool,  # noqa: FBT001
    is_changed: bool,  # noqa: FBT001
) -> None:
    columns.member_ids.append(f"member-{number}")
    columns.emails.append(f"new.{texts.email}" if is_changed else texts.email)
    if has_all_keys:
        columns.phones.append(texts.phone)
        columns.first_names.append(texts.first_name)
        columns.last_names.append(texts.last_name)
        columns.cities.append(texts.city)
        columns.states.append(texts.state)
        columns.zips.append(texts.zip)
        columns.countries.append(texts.country)


if __name__ == "__main__":
    main()
