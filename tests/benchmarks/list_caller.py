"""Owns the caller of a list: a process that has it ready as bytes, sends it when told, and tells.

Started as `python -m tests.benchmarks.list_caller SERVER MEMBERS KEYS MODE IMPORT_ID CHANGED`; it says
in one line of JSON that it is ready, begins at a line on its input, and says what came of it in
another.
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

from tests.benchmarks.house import AUDIENCE_ID
from tests.benchmarks.member_texts import MemberTexts, member_texts
from tests.benchmarks.usage import peak_mb

CHUNK_MEMBERS: Final = 10_000
CHUNKS_AHEAD: Final = 4
METHOD: Final = "/audiencesync.v1.AudienceSyncService/ImportMembership"


def main() -> None:
    server, members, keys, mode, import_id, changed = sys.argv[1:]
    requests = list(_requests(int(members), keys == "8", mode, import_id, int(changed)))
    sys.stdout.write(json.dumps({"ready": len(requests)}) + "\n")
    sys.stdout.flush()
    sys.stdin.readline()
    cpu, began = time.process_time(), time.monotonic()
    result = _send(server, requests)
    told = {
        "wall_s": time.monotonic() - began,
        "cpu_s": time.process_time() - cpu,
        "changed": result.changed_count,
        "peak_mb": peak_mb(os.getpid()),
    }
    sys.stdout.write(json.dumps(told) + "\n")


def _send(server: str, requests: list[bytes]) -> pb.ImportResult:
    """Send bytes that are made already: what a caller's own language needs is not ours to measure."""
    ahead = threading.Semaphore(CHUNKS_AHEAD)

    def paced() -> Iterator[bytes]:
        for request in requests:
            ahead.acquire()
            yield request

    with grpc.insecure_channel(server) as channel:
        call = channel.stream_stream(
            METHOD,
            request_serializer=bytes,
            response_deserializer=pb.ImportMembershipResponse.FromString,
        )
        for answer in call(paced()):
            ahead.release()
            if answer.HasField("result"):
                return answer.result
    raise RuntimeError("the import ended without a result")


def _requests(
    members: int,
    has_all_keys: bool,  # noqa: FBT001
    mode: str,
    import_id: str,
    changed: int,
) -> Iterator[bytes]:
    header = pb.ImportHeader(
        audience_id=AUDIENCE_ID, import_id=import_id, mode=pb.ImportHeader.Mode.Value(mode)
    )
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
