"""What `audience-sync audit` asks for and prints."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp
from typer.testing import CliRunner, Result

from service.cli import audit
from service.cli.main import app

asked: list[pb.ListAuditEventsRequest] = []


def run(monkeypatch: pytest.MonkeyPatch, events: list[pb.AuditEvent], *options: str) -> Result:
    asked.clear()

    @contextmanager
    def connected(server: str) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(ListAuditEvents=server)

    def call(_: object, request: pb.ListAuditEventsRequest) -> pb.ListAuditEventsResponse:
        asked.append(request)
        return pb.ListAuditEventsResponse(audit_events=events)

    monkeypatch.setattr(audit, "connected", connected)
    monkeypatch.setattr(audit, "call", call)
    return CliRunner().invoke(app, ["audit", *options], env={"COLUMNS": "200"})


def test_who_did_what_when_and_how_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    event = pb.AuditEvent(
        event_time=Timestamp(seconds=1_795_000_000),
        action=pb.AuditEvent.ACTION_DISCONNECT_AUDIENCE,
        caller="shop[/red]",
        client=pb.AuditEvent.CLIENT_COMMAND_LINE,
        peer_kind=pb.AuditEvent.PEER_KIND_LOOPBACK,
        audience_id="vip",
        ad_account_id="act_1",
        details={"mode": "FLUSH"},
    )
    done = run(monkeypatch, [event])
    assert done.exit_code == 0, done.output
    (line,) = [one for one in done.output.splitlines() if "vip" in one]
    shown = ("2026-11-18", "disconnect audience", "shop[/red]", "command line, loopback")
    assert all(text in line for text in (*shown, "mode FLUSH"))


def test_the_filters_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    options = ("--audience", "vip", "--ad-account", "act_1", "--limit", "7")
    done = run(monkeypatch, [], *options, "--caller", "", "--since", "2026-11-01")
    assert (done.exit_code, done.output) == (0, "nothing of that was done\n")
    (request,) = asked
    assert (request.audience_id, request.ad_account_id, request.page_size) == ("vip", "act_1", 7)
    assert request.HasField("caller")
    assert request.begin_time.ToDatetime(tzinfo=UTC) == datetime(2026, 11, 1, tzinfo=UTC)
    assert not request.HasField("end_time")
    run(monkeypatch, [])
    assert not asked[0].HasField("caller")
    assert not asked[0].actions


def test_kinds_of_what_was_done_are_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, [], "--action", "erase-audience", "--action", "SYNC_NOW")
    assert asked[0].actions == [pb.AuditEvent.ACTION_ERASE_AUDIENCE, pb.AuditEvent.ACTION_SYNC_NOW]


@pytest.mark.parametrize("said", ["erased", "unspecified", ""])
def test_a_kind_that_is_none_is_refused_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    done = run(monkeypatch, [], "--action", said)
    assert (done.exit_code, asked) == (2, [])
    assert "erase-audience" in done.output
