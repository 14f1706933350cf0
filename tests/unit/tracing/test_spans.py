"""Spans are nothing without a recorder, and tell little with one."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from service.tracing.opening import TracesNotInstalled, traced
from service.tracing.spans import NO_SPAN, Kind, is_tracing, span
from tests.unit.tracing.recorded import recorded

TRACE = "0af7651916cd43dd8448eb211c80319c"
SAMPLED, NOT_SAMPLED = (f"00-{TRACE}-b7ad6b7169203331-{flag}" for flag in ("01", "00"))


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Where the spans of a test end up; all are traced."""
    with recorded(share=1.0) as exporter:
        yield exporter


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {one.name: one for one in exporter.get_finished_spans()}


def test_without_a_recorder_a_span_is_nothing() -> None:
    assert not is_tracing()
    with span(Kind.CALL, "GetAudience") as seen:
        seen.note("code", "OK")
    assert seen is NO_SPAN


def test_parts_are_told_with_what_they_are_part_of(spans: InMemorySpanExporter) -> None:
    with span(Kind.CALL, "GetAudience", {"rpc.system.name": "grpc"}) as seen:
        with span(Kind.QUERY, "read_audiences"):
            pass
        seen.note("code", "OK")
    found = by_name(spans)
    call, query = found["GetAudience"], found["read_audiences"]
    assert query.parent is not None
    assert call.context is not None
    assert query.parent.span_id == call.context.span_id
    assert dict(call.attributes or {}) == {"rpc.system.name": "grpc", "code": "OK"}


def test_a_call_is_part_of_what_its_caller_traces(spans: InMemorySpanExporter) -> None:
    with span(Kind.CALL, "GetAudience", {}, SAMPLED):
        pass
    context = by_name(spans)["GetAudience"].context
    assert context is not None
    assert f"{context.trace_id:032x}" == TRACE


def test_a_caller_decides_whether_its_call_is_traced() -> None:
    with recorded(share=0.0) as none:
        with span(Kind.CALL, "GetAudience", {}, SAMPLED):
            pass
        with span(Kind.CALL, "ListAudiences"):
            pass
    assert by_name(none).keys() == {"GetAudience"}
    with recorded(share=1.0) as all_of_them, span(Kind.CALL, "GetAudience", {}, NOT_SAMPLED):
        pass
    assert by_name(all_of_them) == {}


@pytest.mark.parametrize("nonsense", ["", "00-nothing", "x" * 64, SAMPLED + "\n;drop"])
def test_what_is_no_trace_context_begins_a_trace(
    nonsense: str, spans: InMemorySpanExporter
) -> None:
    with span(Kind.CALL, "GetAudience", {}, nonsense):
        pass
    assert by_name(spans)["GetAudience"].parent is None


def test_a_query_alone_is_not_traced(spans: InMemorySpanExporter) -> None:
    with span(Kind.QUERY, "next_due_in_s") as seen:
        assert seen is NO_SPAN
    assert by_name(spans) == {}


def test_of_an_error_only_its_type_is_told(spans: InMemorySpanExporter) -> None:
    with pytest.raises(LookupError), span(Kind.SYNC, "run"):
        raise LookupError("Failing row contains (ann@mail.example)")
    (failed,) = spans.get_finished_spans()
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.events == ()
    assert "ann@mail.example" not in failed.to_json()
    assert dict(failed.attributes or {}) == {"error.type": "LookupError"}


def test_nothing_of_opentelemetry_is_imported_without_traces() -> None:
    program = "import sys, service.cli.serve; sys.exit('opentelemetry' in str(list(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=50).returncode == 0


async def test_traces_without_their_extra_are_one_line_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "service.tracing.exporting", None)
    with pytest.raises(TracesNotInstalled, match=r"TRACES_ENDPOINT.*audience-sync\[otel\]"):
        async with traced("http://127.0.0.1:4317", share=1.0):
            pass
    async with traced(None, share=1.0):
        assert not is_tracing()
