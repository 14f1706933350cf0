"""What `audience-sync doctor` prints, and what it ends with."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1 import finding_code_pb2
from typer.testing import CliRunner, Result

from service.cli import doctor
from service.cli.client import CallFailed
from service.cli.main import app

ERROR = pb.Finding(
    severity=pb.Finding.SEVERITY_ERROR,
    code=finding_code_pb2.FINDING_CODE_AUDIENCE_BLOCKED,
    ad_account_id="act_1",
    audience_id="vip",
    message="Nothing [/red] reaches Facebook.",
    action="Act.",
    evidence={"reason": "POLICY"},
)
WARNING = pb.Finding(
    severity=pb.Finding.SEVERITY_WARNING,
    code=finding_code_pb2.FINDING_CODE_TOKEN_EXPIRES_SOON,
    ad_account_id="act_1",
)
INFO = pb.Finding(
    severity=pb.Finding.SEVERITY_INFO, code=finding_code_pb2.FINDING_CODE_SEALING_KEY_UNUSED
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[pb.DiagnoseRequest]:
    @contextmanager
    def connected(server: str) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(Diagnose=server)

    monkeypatch.setattr(doctor, "connected", connected)
    return []


def told(
    monkeypatch: pytest.MonkeyPatch,
    asked: list[pb.DiagnoseRequest],
    pages: list[list[pb.Finding]],
    *arguments: str,
) -> Result:
    def call(_: object, request: pb.DiagnoseRequest) -> pb.DiagnoseResponse:
        asked.append(pb.DiagnoseRequest.FromString(request.SerializeToString()))
        number = len(asked)
        more = f"page {number}" if number < len(pages) else ""
        return pb.DiagnoseResponse(findings=pages[number - 1], next_page_token=more)

    monkeypatch.setattr(doctor, "call", call)
    return CliRunner().invoke(app, ["doctor", *arguments], env={"COLUMNS": "80"})


@pytest.mark.parametrize(
    ("findings", "status"),
    [([], 0), ([INFO], 0), ([INFO, WARNING], 1), ([WARNING, ERROR], 2)],
    ids=["none", "info", "warning", "error"],
)
def test_the_exit_status_tells_the_worst(
    monkeypatch: pytest.MonkeyPatch,
    asked: list[pb.DiagnoseRequest],
    findings: list[pb.Finding],
    status: int,
) -> None:
    assert told(monkeypatch, asked, [findings]).exit_code == status


def test_all_pages_are_read_and_the_worst_is_printed_first(
    monkeypatch: pytest.MonkeyPatch, asked: list[pb.DiagnoseRequest]
) -> None:
    done = told(monkeypatch, asked, [[INFO], [WARNING, ERROR]], "--ad-account", "act_1")
    assert [(one.ad_account_id, one.page_token) for one in asked] == [
        ("act_1", ""),
        ("act_1", "page 1"),
    ]
    words = ("AUDIENCE_BLOCKED", "TOKEN_EXPIRES_SOON", "SEALING_KEY_UNUSED")
    places = [done.output.index(word) for word in words]
    assert places == sorted(places)
    for shown in ("vip", "[/red]", "(reason=POLICY)", "→ Act.", "installation", "error: 1, "):
        assert shown in done.output


def test_json_has_the_short_words(
    monkeypatch: pytest.MonkeyPatch, asked: list[pb.DiagnoseRequest]
) -> None:
    done = told(monkeypatch, asked, [[ERROR]], "vip", "--json", "--stored-only")
    assert asked[0] == pb.DiagnoseRequest(audience_id="vip", stored_only=True)
    assert json.loads(done.output) == [
        {
            "severity": "error",
            "code": "AUDIENCE_BLOCKED",
            "ad_account_id": "act_1",
            "audience_id": "vip",
            "message": "Nothing [/red] reaches Facebook.",
            "action": "Act.",
            "evidence": {"reason": "POLICY"},
        }
    ]


def test_a_service_that_does_not_answer_is_an_error(
    monkeypatch: pytest.MonkeyPatch, asked: list[pb.DiagnoseRequest]
) -> None:
    assert asked == []

    def call(*_: object) -> None:
        raise CallFailed("no service answers there")

    monkeypatch.setattr(doctor, "call", call)
    done = CliRunner().invoke(app, ["doctor"])
    assert (done.exit_code, "no service answers" in done.output) == (2, True)
