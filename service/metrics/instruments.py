"""The counters and histograms of this process. Nothing that a caller wrote but ids becomes a label.

Who counts calls one function here, which costs a microsecond or two. What is read at the scrape, and
what the database knows, is told by `service.monitor`.
"""

from functools import cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

from service.metrics.labels import BoundedLabels

AUDIENCES_OWN_MAX: Final = 100
"""Audiences whose rows a process counts apart: those that it synced first. The others are one."""
REGISTRY: Final = CollectorRegistry()

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for every one, which says when the process started

_RPC_BUCKETS: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
_GRAPH_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0)
_TURN_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""Seconds, all of them."""

_RPC_CALLS: Final = Counter(
    "audience_sync_rpc_calls",
    "Calls that ended, by the code that they were answered with.",
    ("method", "code"),
    registry=REGISTRY,
)
_RPC_SECONDS: Final = Histogram(
    "audience_sync_rpc_duration_seconds",
    "How long calls took; those that stream take as long as the caller wants.",
    ("method",),
    buckets=_RPC_BUCKETS,
    registry=REGISTRY,
)
_GRAPH_CALLS: Final = Counter(
    "audience_sync_graph_calls",
    "Calls of the Graph API, by what came of them.",
    ("endpoint", "outcome"),
    registry=REGISTRY,
)
_GRAPH_SECONDS: Final = Histogram(
    "audience_sync_graph_call_duration_seconds",
    "How long calls of the Graph API took.",
    ("endpoint",),
    buckets=_GRAPH_BUCKETS,
    registry=REGISTRY,
)
_ROWS: Final = Counter(
    "audience_sync_rows",
    "Rows sent to Facebook, by what came of them.",
    ("audience_id", "operation", "outcome"),
    registry=REGISTRY,
)
_LONGEST_TURN: Final = Histogram(
    "audience_sync_loop_longest_turn_seconds",
    "The longest turn of the event loop in each second: all calls wait for it.",
    buckets=_TURN_BUCKETS,
    registry=REGISTRY,
)
_audiences: Final = BoundedLabels(AUDIENCES_OWN_MAX)


def count_rpc(method: str, code: str, seconds: float) -> None:
    """A call of one of our methods has ended."""
    _rpc_calls(method, code).inc()
    _rpc_seconds(method).observe(seconds)


def count_graph_call(endpoint: str, outcome: str, seconds: float) -> None:
    """A Graph call has ended: OK, CANCELLED, or with a verdict."""
    _GRAPH_CALLS.labels(endpoint, outcome).inc()
    _GRAPH_SECONDS.labels(endpoint).observe(seconds)


def count_rows(audience_id: str, operation: str, outcome: str, rows: int) -> None:
    """Facebook answered for so many rows, or is not known to have done so."""
    if rows:
        _ROWS.labels(_audiences.of(audience_id), operation, outcome).inc(rows)


def note_longest_turn(seconds: float) -> None:
    """The longest turn of the loop in the last second."""
    _LONGEST_TURN.observe(seconds)


# Remembered, because finding a child takes as long as counting, and calls are many. Methods and codes
# are few.
@cache
def _rpc_calls(method: str, code: str) -> Counter:
    return _RPC_CALLS.labels(method, code)


@cache
def _rpc_seconds(method: str) -> Histogram:
    return _RPC_SECONDS.labels(method)
