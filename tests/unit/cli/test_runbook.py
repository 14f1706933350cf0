"""What the runbook and the other texts for operators name exists."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
import yaml
from audiencesync.v1 import audience_sync_pb2 as pb
from google.protobuf import json_format, message_factory

from service.cli.main import app
from service.settings import OF_CLIENTS, Settings
from service.settings_of_access import PREFIX
from service.sync.consequences import BlockedReason
from tests.unit.monitor.catalogue import catalogue

ROOT = Path(__file__).parents[3]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
ANCHORS = re.findall(r"^###? ([a-z-]+)$", RUNBOOK, re.MULTILINE)
FOR_OPERATORS = [
    ROOT / "README.md",
    ROOT / "docs" / "runbook.md",
    *(path for path in (ROOT / "ops").rglob("*") if path.is_file() and path.suffix != ".pyc"),
]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def quoted(text: str) -> Iterator[str]:
    """Everything in back-ticks outside of blocks, and every line of the blocks."""
    blocks = re.findall(r"^ *```\w*\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    for block in blocks:
        yield from block.splitlines()
    yield from re.findall(
        r"`([^`\n]+(?:\n[^`\n]+)?)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    )


def test_a_heading_is_its_anchor_and_none_is_there_twice() -> None:
    assert len(ANCHORS) == len(set(ANCHORS)) > 20
    for section in re.findall(r"^## ([a-z-]+)$", RUNBOOK, re.MULTILINE):
        assert f"](#{section})" in RUNBOOK.partition("\n## ")[0], "the table leads to it"


def test_every_link_to_the_runbook_leads_somewhere() -> None:
    (group,) = yaml.safe_load((ROOT / "ops" / "prometheus" / "alerts.yaml").read_text())["groups"]
    alerts = [rule["annotations"]["runbook_url"] for rule in group["rules"]]
    texts = [path.read_text() for path in (*ROOT.glob("docs/*.md"), ROOT / "README.md")]
    linked = re.findall(r"runbook\.md#([\w-]+)", "\n".join((*alerts, *texts)))
    linked += re.findall(r"\]\(#([\w-]+)\)", RUNBOOK)
    assert set(linked) <= set(ANCHORS)


@pytest.mark.parametrize("reason", BlockedReason)
def test_every_reason_to_block_has_a_section(reason: BlockedReason) -> None:
    assert reason.value.lower().replace("_", "-") in ANCHORS


@pytest.mark.parametrize("path", FOR_OPERATORS, ids=lambda path: path.name)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    named = set(re.findall(rf"{PREFIX}([A-Z][A-Z_]*[A-Z])", path.read_text()))
    known = {name.upper() for name in (*Settings.model_fields, *OF_CLIENTS)}
    assert named <= known


def test_every_command_that_is_named_exists_with_its_options() -> None:
    found = 0
    for text in quoted(RUNBOOK):
        for command, rest in re.findall(r"audience-sync ([a-z][a-z-]+)([^|#;]*)", text):
            options = {one for param in COMMANDS[command].params for one in param.opts}
            assert set(re.findall(r"--[a-z-]+", rest)) <= options, text
            found += 1
    assert found > 20


def test_every_call_is_one_that_the_service_understands() -> None:
    methods = pb.DESCRIPTOR.services_by_name["AudienceSyncService"].methods_by_name
    calls = re.findall(r"rpc (\w+) '(\{.*\})'", RUNBOOK)
    assert len(calls) >= 4
    for name, text in calls:
        request = message_factory.GetMessageClass(methods[name].input_type)()
        json_format.Parse(text, request)


def test_every_metric_that_is_named_is_told() -> None:
    named = set(re.findall(r"\baudience_sync_[a-z_]+", RUNBOOK))
    assert named
    assert named <= set(catalogue())


def test_every_log_line_that_is_looked_for_is_written() -> None:
    code = "".join(path.read_text() for path in (ROOT / "service").rglob("*.py"))
    events = re.findall(r"""_?log\.\w+\(\s*"([^"]+)\"""", code)
    seen = re.findall(r"- \*\*See:\*\*(.*?)- \*\*Means", RUNBOOK, re.DOTALL)
    looked_for = [one for text in seen for one in re.findall(r"`([a-z]+(?: [a-z:]+)+)`", text)]
    assert len(looked_for) >= 8
    commands = ("audience-sync ", "rpc ")
    for one in looked_for:
        assert one in events or one.startswith(commands), one


def test_the_compose_file_gives_the_service_what_it_needs_to_start() -> None:
    services = yaml.safe_load((ROOT / "ops" / "compose.yaml").read_text())["services"]
    told = services["service"]["environment"]
    assert {f"{PREFIX}DATABASE_URL", f"{PREFIX}SEALING_KEYS"} <= set(told)
    assert services["fakefb"]["network_mode"] == "service:service"
    for name in ("service", "fakefb"):
        assert services[name]["read_only"]
        assert services[name]["cap_drop"] == ["ALL"]
    published = services["service"]["ports"]
    assert all(port.startswith("127.0.0.1:") for port in published)
