"""Whatever is sent to a method is answered civilly, changes nothing if refused, and harms nobody."""

import base64
from collections.abc import Iterator, Sequence
from typing import Any

import grpc
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from hypothesis import given
from hypothesis import strategies as st

from service.embedded import EmbeddedPostgres
from service.rpc import paging
from tests.conftest import _database
from tests.fuzz.effort import TEST_SECONDS_MAX, effort
from tests.fuzz.fuzzed_server import METHODS, FuzzedServer, fuzzed_server
from tests.fuzz.messages import ODD_TEXTS, any_message, right_message, with_one_odd_value
from tests.fuzz.wire import (
    END,
    ODD_BYTES,
    ODD_NUMBERS,
    START,
    VARINT,
    any_wire,
    lengthy,
    mutated,
    tag,
)
from tests.integration.rpc_world import MESSAGE_BYTES_MAX
from tests.unit.rpc.builders import an_add

pytestmark = pytest.mark.timeout(TEST_SECONDS_MAX)
UPDATE = next(one for one in METHODS if one.name == "UpdateMembership")
HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
ODD_KEYS = ("1", "0", "-1", "9" * 18, "9" * 19, "9" * 400, f"{'9' * 18}.9999.{'f' * 32}", "act_1")
ODD_METADATA: Sequence[Sequence[tuple[str, str | bytes]]] = (
    [("x-bin", bytes(range(256)))],
    [("grpc-status-details-bin", b"\xff"), ("grpc-previous-rpc-attempts", "x")],
    [("x-large", "x" * 7_000)],
    [("x-larger", "x" * 200_000)],
    [(f"x-{n}", "many") for n in range(1_000)],
    [("authorization", "Bearer nobody"), ("cookie", "a=b"), ("x-forwarded-for", "::")],
    [("traceparent", "00-zz"), ("baggage", "=;"), ("grpc-trace-bin", b"\x00")],
    [("accept-encoding", "lzma"), ("expect", "100-continue"), ("connection", "close")],
    [("user-agent", "~"), ("x-http-method-override", "DELETE"), ("x-empty", "")],
)
LISTS = [one for one in METHODS if "page_token" in one.input_type.fields_by_name]
each_list = pytest.mark.parametrize("method", LISTS, ids=lambda method: method.name)
each_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)


@pytest.fixture(scope="module")
def server(postgres: EmbeddedPostgres, template_database: str) -> Iterator[FuzzedServer]:
    with fuzzed_server(lambda: _database(postgres, template=template_database)) as running:
        yield running


@pytest.fixture(scope="module")
def untouched(postgres: EmbeddedPostgres, template_database: str) -> Iterator[FuzzedServer]:
    """One to which nothing odd is sent, in whatever order the tests come."""
    with fuzzed_server(lambda: _database(postgres, template=template_database)) as running:
        yield running


@pytest.fixture(autouse=True)
def serves_afterwards(server: FuzzedServer) -> Iterator[None]:
    server.renew()
    yield
    server.serve()


@each_method
def test_a_right_message_gets_past_the_door(
    untouched: FuzzedServer, method: MethodDescriptor
) -> None:
    untouched.renew()
    told = untouched.throw(method, right_message(method, untouched.known).SerializeToString())
    assert told.is_ok, told


@each_method
@effort(20)
@given(data=st.data())
def test_bytes_that_no_client_would_send(
    server: FuzzedServer, method: MethodDescriptor, data: st.DataObject
) -> None:
    seeds = [
        right_message(method, server.known, pick=pick).SerializeToString() for pick in range(2)
    ]
    any_bytes = st.binary(max_size=40) | any_wire(method.input_type) | mutated(seeds)
    server.throw(method, data.draw(any_bytes))


@each_method
@effort(20)
@given(data=st.data())
def test_messages_with_odd_values(
    server: FuzzedServer, method: MethodDescriptor, data: st.DataObject
) -> None:
    message = data.draw(any_message(method.input_type, server.known))
    server.throw(method, message.SerializeToString())


@effort(20)
@given(data=st.data())
def test_an_update_is_refused_whole_or_every_change_is_accounted_for(
    server: FuzzedServer, data: st.DataObject
) -> None:
    odd_changes = any_message(pb.Change.DESCRIPTOR, server.known)
    odd_members = any_message(pb.Member.DESCRIPTOR, server.known).map(an_add_of)
    changes: list[Any] = data.draw(st.lists(odd_members, max_size=6))
    changes += data.draw(st.lists(odd_changes, max_size=1))
    request: Any = pb.UpdateMembershipRequest(audience_id=server.known["audience_id"][0])
    request.changes.extend([an_add("m1", emails=["m1@mail.example"]), *changes])
    told = server.throw(UPDATE, request.SerializeToString())
    if told.is_ok:
        answer = pb.UpdateMembershipResponse.FromString(told.response)
        assert answer.changed_count + answer.unchanged_count == len(request.changes)


def an_add_of(member: Any) -> pb.Change:
    member.member_id = member.member_id or "m2"
    return pb.Change(operation=pb.Change.OPERATION_ADD, member=member)


@each_method
def test_a_right_message_with_one_odd_value(server: FuzzedServer, method: MethodDescriptor) -> None:
    right = right_message(method, server.known)
    for odd in with_one_odd_value(right):
        server.throw(method, odd.SerializeToString())


@each_method
def test_a_right_message_with_one_text_of_odd_bytes(
    server: FuzzedServer, method: MethodDescriptor
) -> None:
    raw = right_message(method, server.known).SerializeToString()
    texts = [one for one in method.input_type.fields if one.type == FieldDescriptor.TYPE_STRING]
    for number in {*(one.number for one in texts), ODD_NUMBERS[0]}:
        for odd in ODD_BYTES:
            server.throw(method, raw + lengthy(number, odd))


@each_method
def test_messages_as_large_as_can_be(server: FuzzedServer, method: MethodDescriptor) -> None:
    right = right_message(method, server.known).SerializeToString()
    for number in some_numbers(method):
        server.throw(method, right + lengthy(number, b"x" * 100_000))
    at_the_limit = MESSAGE_BYTES_MAX - len(right) - 10
    server.throw(method, right + lengthy(some_numbers(method)[0], b"x" * at_the_limit))
    told = server.throw(method, bytes(MESSAGE_BYTES_MAX + 1))
    assert told.code is grpc.StatusCode.RESOURCE_EXHAUSTED


@each_method
def test_messages_of_very_many_parts(server: FuzzedServer, method: MethodDescriptor) -> None:
    right = right_message(method, server.known).SerializeToString()
    for number in some_numbers(method):
        server.throw(method, right + lengthy(number, b"") * 20_000)
        server.throw(method, right + (tag(number, VARINT) + b"\x01") * 20_000)
    nested = tag(ODD_NUMBERS[0], START) * 10_000 + tag(ODD_NUMBERS[0], END) * 10_000
    server.throw(method, right + nested)


def some_numbers(method: MethodDescriptor) -> list[int]:
    """Every field, and one that is none."""
    return [*(one.number for one in method.input_type.fields), ODD_NUMBERS[0]]


def test_a_member_of_very_many_parts(server: FuzzedServer) -> None:
    for field in pb.Member.DESCRIPTOR.fields:
        member = lengthy(1, b"m1") + lengthy(field.number, b"\x0a\x01a") * 20_000
        change = tag(1, VARINT) + b"\x01" + lengthy(2, member)
        head = pb.UpdateMembershipRequest(audience_id=server.known["audience_id"][0])
        server.throw(UPDATE, head.SerializeToString() + lengthy(2, change))


def test_a_small_message_that_unpacks_to_a_large_one(server: FuzzedServer) -> None:
    for size in (MESSAGE_BYTES_MAX // 2, 8 * MESSAGE_BYTES_MAX):
        raw = lengthy(ODD_NUMBERS[0], bytes(size))
        told = server.throw(UPDATE, raw, compression=grpc.Compression.Gzip)
        is_too_large = told.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert is_too_large == (size > MESSAGE_BYTES_MAX)


@each_list
def test_page_tokens_whose_check_is_right_and_whose_key_is_none(
    server: FuzzedServer, method: MethodDescriptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = b"c" * paging._CHECK_BYTES
    monkeypatch.setattr(paging, "_check", lambda key, of: check)
    for key in (*ODD_TEXTS, *ODD_KEYS):
        token = base64.urlsafe_b64encode(check + key.encode()).decode().rstrip("=")
        server.throw(method, page_of(server, method, token))


@each_list
@effort(20)
@given(token=st.binary(max_size=30).map(base64.urlsafe_b64encode) | st.text().map(str.encode))
def test_page_tokens_that_nobody_gave_out(
    server: FuzzedServer, method: MethodDescriptor, token: bytes
) -> None:
    server.throw(method, page_of(server, method, token.decode()))


def page_of(server: FuzzedServer, method: MethodDescriptor, token: str) -> bytes:
    message: Any = right_message(method, server.known)
    message.page_token = token
    raw: bytes = message.SerializeToString()
    return raw


@pytest.mark.parametrize("metadata", ODD_METADATA)
def test_odd_metadata(server: FuzzedServer, metadata: Sequence[tuple[str, str | bytes]]) -> None:
    for method in METHODS[:: len(METHODS) // 3]:
        raw = right_message(method, server.known).SerializeToString()
        server.throw(method, raw, metadata=metadata)


@effort(20)
@given(raw=st.binary(max_size=60), head=st.sampled_from([b"", HTTP2, b"GET / HTTP/1.1\r\n"]))
def test_what_is_no_grpc_at_all(server: FuzzedServer, raw: bytes, head: bytes) -> None:
    server.throw_at_the_socket(head + raw)
    server.serve()
