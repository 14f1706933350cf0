"""Alerts and dashboard name only metrics, labels and values that the service tells."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from audiencesync.v1 import audience_sync_pb2 as pb

from service.monitor.families import STATES
from tests.unit.monitor.catalogue import catalogue
from tests.unit.monitor.promql import Matcher, labels_left, matchers_of, metrics_of, problems_of

OPS = Path(__file__).parents[3] / "ops"
KNOWN = catalogue()

VALUES = {
    "state": {*STATES, "idle", "in_use"},
    "code": {code.name for code in grpc.StatusCode},
    "outcome": {"OK", "accepted", "invalid", "carried_over", "unknown"},
    "method": {
        method.name for method in pb.DESCRIPTOR.services_by_name["AudienceSyncService"].methods
    },
}
"""Values of labels that have few."""


def alerts() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((OPS / "prometheus" / "alerts.yaml").read_text())["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def panels() -> list[dict[str, Any]]:
    dashboard = json.loads((OPS / "grafana" / "audience-sync.json").read_text())
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def targets() -> list[tuple[str, str]]:
    """Expression and legend of everything that the dashboard draws."""
    return [
        (target["expr"], target["legendFormat"])
        for panel in panels()
        for target in panel["targets"]
    ]


def expressions() -> list[str]:
    return [rule["expr"] for rule in alerts()] + [expression for expression, _ in targets()]


def test_there_is_something_to_check() -> None:
    assert len(alerts()) >= 10
    assert len(targets()) >= 20
    assert len(KNOWN) >= 25


@pytest.mark.parametrize("expression", expressions())
def test_metrics_and_labels_exist(expression: str) -> None:
    assert problems_of(expression, KNOWN) == []


def unknown_values(matcher: Matcher) -> Iterator[str]:
    wanted = matcher.value.split("|") if matcher.is_pattern else [matcher.value]
    yield from (value for value in wanted if value not in VALUES[matcher.label])


@pytest.mark.parametrize("expression", expressions())
def test_values_of_labels_exist(expression: str) -> None:
    for matcher in matchers_of(expression):
        assert list(unknown_values(matcher)) == []


def test_what_a_legend_or_a_summary_quotes_is_left_by_the_expression() -> None:
    for rule in alerts():
        quoted = re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"]))
        assert set(quoted) <= labels_left(rule["expr"]), rule["alert"]
    for expression, legend in targets():
        assert set(re.findall(r"\{\{\s*(\w+)", legend)) <= labels_left(expression), expression


def test_every_alert_has_a_severity_and_a_place_in_the_runbook() -> None:
    for rule in alerts():
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert re.fullmatch(
            r"docs/runbook\.md#[a-z]+(-[a-z]+)*", rule["annotations"]["runbook_url"]
        )
    assert len({rule["alert"] for rule in alerts()}) == len(alerts())


def test_every_metric_of_ours_is_drawn_or_alerted_on() -> None:
    used = set().union(*(metrics_of(expression) for expression in expressions()))
    ours = {re.sub(r"_(bucket|count|sum)$", "", name) for name in KNOWN if "audience_sync" in name}
    unused = ours - {re.sub(r"_(bucket|count|sum)$", "", name) for name in used}
    assert unused == {"audience_sync_build", "audience_sync_ad_accounts_blocked"}


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("max(audience_sync_nothing)", "no metric audience_sync_nothing"),
        ("ceil(audience_sync_ready)", "no metric ceil"),
        ('audience_sync_ready{state="x"}', "audience_sync_ready has no label state"),
        ("sum by (le) (audience_sync_ready)", "audience_sync_ready has no label le"),
        (
            "sum by (process) (audience_sync_ready) / max by (pool) (audience_sync_ready)",
            "audience_sync_ready has no label pool",
        ),
    ],
)
def test_a_wrong_expression_would_be_noticed(expression: str, problem: str) -> None:
    assert problems_of(expression, KNOWN) == [problem]


def test_every_metric_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"`(audience_sync_\w+)`", (OPS.parent / "README.md").read_text()))
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in KNOWN}
    assert len(named) >= 10
    assert named <= families
