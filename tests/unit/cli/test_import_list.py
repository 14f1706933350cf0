"""What `audience-sync import` says when it cannot begin."""

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from service.cli.main import app


def run_import(path: Path, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["import", "newsletter", str(path), *options])
    return done.exit_code, done.stderr


@pytest.mark.parametrize("options", [(), ("--replace",), ("--resume", "abc")])
def test_a_list_that_is_refused_before_it_is_begun_is_not_to_be_gone_on_with(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    path = tmp_path / "list.parquet"
    pq.write_table(pa.table({"id": ["u1"], "city": [True]}), path)
    status, told = run_import(path, *options)
    assert (status, told.count("\n")) == (1, 1)
    assert "list.parquet, column city: it holds bool; texts are expected; nothing was sent" in told


def test_without_pyarrow_it_says_in_one_line_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "list.parquet"
    path.touch()
    monkeypatch.delitem(sys.modules, "service.cli.parquet_members", raising=False)
    monkeypatch.delitem(sys.modules, "service.cli.parquet_texts", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    status, told = run_import(path)
    assert (status, told.count("\n")) == (1, 1)
    assert "`pip install 'audience-sync[parquet]'` installs it; nothing was sent" in told


def test_a_dry_run_cannot_be_synced(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("id,email\n")
    status, told = run_import(path, "--dry-run", "--sync")
    assert (status, told) == (1, "audience-sync: a dry run changes nothing that could be synced\n")
