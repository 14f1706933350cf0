"""What `audience-sync rejected` prints."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from typer.testing import CliRunner

from service.cli import rejected
from service.cli.main import app


def test_refused_rows_are_shown_with_their_keys_and_the_reason_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = pb.RejectedRows(keys=[pb.KEY_EMAIL, pb.KEY_FN], reason="bad [/red] row", row_count=1234)
    answer = pb.ListRejectedRowsResponse(rejected_rows=[rows])

    @contextmanager
    def connected(server: str) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(ListRejectedRows=server)

    monkeypatch.setattr(rejected, "connected", connected)
    monkeypatch.setattr(rejected, "call", lambda method, request: answer)
    done = CliRunner().invoke(app, ["rejected", "vip"], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    for shown in ("1,234", "EMAIL FN", "bad [/red] row"):
        assert shown in done.output
