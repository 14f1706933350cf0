"""No plain identifier and no token in the database, the logs or an error."""

import asyncio

import asyncpg
import grpc
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb

from service.cli.client import call
from tests.e2e.conftest import ACCESS_TOKEN, AD_ACCOUNT_ID, Stack

pytestmark = pytest.mark.calm

SECRETS = (
    "known.planted@mail.example",
    "planted-member-7f3a",
    "415 200 0948",
    "4152000948",
    "Plantagenet",
    "af8d7a06-d6d1-4aa0-8784-a4a67483705b",
    ACCESS_TOKEN,
    "fake-app-secret",
)
"""What is planted; a device id is not hashed for Facebook, but must not stand anywhere in plain text."""


def planted() -> pb.Member:
    return pb.Member(
        member_id="planted-member-7f3a",
        emails=["known.planted@mail.example", "not an e-mail: known.planted@mail.example"],
        phones=["415 200 0948"],
        mobile_ad_ids=["AF8D7A06-D6D1-4AA0-8784-A4A67483705B"],
        last_name="Plantagenet",
        traits={"favourite": "known.planted@mail.example"},
    )


async def everything_stored(database_url: str) -> str:
    """Every value of every table as text, bytes once as hexadecimal and once as they are."""
    connection = await asyncpg.connect(database_url)
    try:
        tables = await connection.fetch(
            "select table_name from information_schema.tables where table_schema = 'public'"
        )
        rows = [
            row
            for table in tables
            for row in await connection.fetch(f"select * from {table['table_name']}")  # noqa: S608
        ]
    finally:
        await connection.close()
    return "\n".join(as_text(value) for row in rows for value in row.values())


def as_text(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex() + " " + value.decode("latin-1")
    return str(value)


def found_in(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret.lower() in text.lower()]


def columns() -> pb.MemberColumns:
    """The planted member, and one of whom nothing can be used."""
    member = planted()
    return pb.MemberColumns(
        operation=pb.Change.OPERATION_ADD,
        member_ids=[member.member_id, f"{member.member_id}-2"],
        emails=member.emails,
        phones=[*member.phones, f"+{member.phones[0]}"],
        last_names=[member.last_name, member.last_name],
    )


def list_of(*chunks: pb.ImportChunk) -> list[pb.ImportMembershipRequest]:
    header = pb.ImportHeader(
        audience_id="customers", import_id="i1", mode=pb.ImportHeader.MODE_REPLACE
    )
    return [
        pb.ImportMembershipRequest(header=header),
        *(pb.ImportMembershipRequest(chunk=chunk) for chunk in chunks),
    ]


def leave_a_list_unfinished(stack: Stack, change: pb.Change) -> None:
    chunks = pb.ImportChunk(changes=[change]), pb.ImportChunk(offset=1, members=columns())
    *_, last = stack.service.stub.ImportMembership(iter(list_of(*chunks)))
    assert last.acknowledged_offset == 3


def told_to_operators(stack: Stack) -> str:
    stub = stack.service.stub
    found = call(stub.Diagnose, pb.DiagnoseRequest())
    done = call(stub.ListAuditEvents, pb.ListAuditEventsRequest())
    assert found.findings, "an e-mail was dropped"
    assert done.audit_events
    return f"{found}{done}"


def test_nothing_plain_is_stored_logged_or_told(stack: Stack) -> None:
    stub = stack.service.stub
    stack.connect()
    call(
        stub.ConnectAdAccount,
        pb.ConnectAdAccountRequest(
            ad_account_id=AD_ACCOUNT_ID,
            access_token=ACCESS_TOKEN,
            app_id="5550001",
            app_secret="fake-app-secret",
        ),
    )
    change = pb.Change(operation=pb.Change.OPERATION_ADD, member=planted())
    call(
        stub.UpdateMembership,
        pb.UpdateMembershipRequest(audience_id="customers", changes=[change], request_id="r1"),
    )
    assert stack.sync().rows_added == 1
    errors = [refused(stack, request) for request in bad_requests()]
    faults = [{"name": "f", "match": {"operation": "add"}, "effect": {"html": {"status": 502}}}]
    stack.admin.put("faults", faults)
    change.member.emails.append("another@mail.example")
    call(
        stub.UpdateMembership,
        pb.UpdateMembershipRequest(audience_id="customers", changes=[change]),
    )
    call(stub.SyncNow, pb.SyncNowRequest(audience_id="customers"))
    leave_a_list_unfinished(stack, change)
    errors += [refused_columns(stack), told_to_operators(stack)]
    stack.service.process.stop()

    assert found_in(stack.logs()) == []
    assert found_in(asyncio.run(everything_stored(stack.database_url))) == []
    assert found_in("\n".join(errors)) == []
    assert '"event":"graph call"' in stack.logs(), "the logs that were searched are the real ones"


def bad_requests() -> list[pb.UpdateMembershipRequest]:
    unknown = pb.Change(operation=99, member=planted())  # type: ignore[arg-type]
    nobody = pb.Change(operation=pb.Change.OPERATION_ADD, member=planted())
    nobody.member.member_id = "known.planted@mail.example" * 40
    return [
        pb.UpdateMembershipRequest(audience_id="customers", changes=[unknown]),
        pb.UpdateMembershipRequest(audience_id="customers", changes=[nobody]),
        pb.UpdateMembershipRequest(audience_id="known.planted@mail.example", changes=[nobody]),
    ]


def refused(stack: Stack, request: pb.UpdateMembershipRequest) -> str:
    with pytest.raises(grpc.RpcError) as error:
        stack.service.stub.UpdateMembership(request)
    return str(error.value)


def refused_columns(stack: Stack) -> str:
    short = columns()
    del short.emails[:1]
    chunk = pb.ImportChunk(offset=3, members=short)
    with pytest.raises(grpc.RpcError) as error:
        list(stack.service.stub.ImportMembership(iter(list_of(chunk))))
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    return str(error.value)
