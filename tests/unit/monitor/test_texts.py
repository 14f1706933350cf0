"""Texts of several processes become one that Prometheus reads."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from service.monitor.texts import merged, text_of

ODD = 'a "quoted" {braced} back\\slash\nin two lines'


def a_text(calls: int) -> str:
    registry = CollectorRegistry()
    Gauge("size", "How large: {not a label}", registry=registry).set(calls * 10)
    Counter("calls", "Calls", ("method",), registry=registry).labels(ODD).inc(calls)
    Histogram("took", "Seconds", buckets=(1.0, 2.0), registry=registry).observe(1.5)
    return text_of(registry)


def test_each_series_is_named_by_its_process_and_each_family_told_once() -> None:
    text = merged({"0": a_text(1), "1": a_text(2)})
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert text.count("# TYPE") == len(families) == 3
    calls = {one.labels["process"]: one for one in families["calls"].samples}
    assert {process: one.value for process, one in calls.items()} == {"0": 1, "1": 2}
    assert {one.labels["method"] for one in calls.values()} == {ODD}
    sizes = {one.labels["process"]: one.value for one in families["size"].samples}
    assert sizes == {"0": 10, "1": 20}
    buckets = [one for one in families["took"].samples if one.name == "took_bucket"]
    assert len({(one.labels["process"], one.labels["le"]) for one in buckets}) == 6


def test_no_process_is_no_text() -> None:
    assert merged({}) == merged({"0": ""}) == ""


def test_a_family_that_one_process_lacks_is_told_by_the_other() -> None:
    registry = CollectorRegistry()
    Gauge("alone", "Only here", registry=registry)
    text = merged({"0": a_text(1), "1": text_of(registry)})
    assert 'alone{process="1"} 0.0' in text
    assert 'size{process="0"} 10.0' in text
