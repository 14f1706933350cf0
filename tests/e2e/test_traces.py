"""Traces of a real process arrive at a collector: caller → call → query, sync → Graph call."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as otlp
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

from service.cli.client import call
from tests.e2e.conftest import AD_ACCOUNT_ID, AUDIENCE_ID, Stack
from tests.e2e.test_privacy import SECRETS, planted

pytestmark = [pytest.mark.calm, pytest.mark.timeout(50)]

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"


class Collector(TraceServiceServicer):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.requests: list[Any] = []

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        self.requests.append(request)
        return otlp.ExportTraceServiceResponse()

    def spans(self) -> list[Any]:
        return [
            one
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for one in scope.spans
        ]


@contextmanager
def running_collector() -> Iterator[tuple[Collector, str]]:
    collector = Collector()
    with ThreadPoolExecutor(2) as threads:
        server = grpc.server(threads)
        add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield collector, f"http://127.0.0.1:{port}"
        finally:
            server.stop(0).wait()


def attributes(span: Any) -> dict[str, str]:
    return {one.key: one.value.string_value for one in span.attributes}


def test_what_a_caller_traces_goes_on_to_queries_and_a_sync_to_graph_calls(
    bare_stack: Stack,
) -> None:
    with running_collector() as (collector, endpoint):
        service = bare_stack.start_service(TRACES_ENDPOINT=endpoint, TRACES_SHARE="1")
        bare_stack.connect()
        change = pb.Change(operation=pb.Change.OPERATION_ADD, member=planted())
        service.stub.UpdateMembership(
            pb.UpdateMembershipRequest(audience_id=AUDIENCE_ID, changes=[change]),
            metadata=(("traceparent", TRACEPARENT),),
        )
        assert bare_stack.sync().rows_added == 1
        assert service.process.stop() == 0  # which sends what is left
        spans = collector.spans()

    (update,) = [one for one in spans if one.name == "UpdateMembership"]
    assert update.trace_id.hex() == TRACE
    assert attributes(update)["rpc.response.status_code"] == "OK"
    of_update = {one.name for one in spans if one.trace_id.hex() == TRACE}
    assert len(of_update) > 1, "its queries"
    (added,) = [one for one in spans if one.name == "add_users"]
    (run,) = [one for one in spans if one.span_id == added.parent_span_id]
    assert run.name == "run"
    about = attributes(run)
    assert (about["audience_id"], about["ad_account_id"]) == (AUDIENCE_ID, AD_ACCOUNT_ID)
    assert attributes(added)["verdict"] == "OK"
    assert attributes(added)["facebook_trace_id"]
    logged = [json.loads(line) for line in bare_stack.logs().splitlines() if line[:1] == "{"]
    (line,) = [one for one in logged if one.get("method") == "UpdateMembership"]
    assert (line["trace_id"], line["span_id"]) == (TRACE, update.span_id.hex())
    (line,) = [one for one in logged if one.get("endpoint") == "add_users"]
    assert (line["trace_id"], line["span_id"]) == (added.trace_id.hex(), added.span_id.hex())
    told = "\n".join(str(request) for request in collector.requests).lower()
    assert [secret for secret in SECRETS if secret.lower() in told] == []


def test_a_collector_that_is_away_does_not_hold_up_the_service(bare_stack: Stack) -> None:
    service = bare_stack.start_service(TRACES_ENDPOINT="http://127.0.0.1:9", TRACES_SHARE="1")
    call(service.stub.ListAudiences, pb.ListAudiencesRequest())
    stopped = threading.Thread(target=service.process.stop)
    stopped.start()
    stopped.join(20)
    assert not stopped.is_alive()
    assert service.process.process.returncode == 0
