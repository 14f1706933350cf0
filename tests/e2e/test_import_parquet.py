"""The same customer list as CSV and as Parquet; and imports that are interrupted and gone on with."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.cli.demo_people import Customer, make_people
from tests.e2e.conftest import AUDIENCE_ID, Stack, press_ctrl_c, run_command
from tests.e2e.test_import import COLUMNS, import_file, member_count, write_list

pytestmark = [pytest.mark.calm, pytest.mark.timeout(50)]

MANY_MEMBERS = 20_000
HEARS_CTRL_C = """
import signal
from service.cli.main import app
signal.signal(signal.SIGINT, signal.default_int_handler)
app()
"""
"""The command, also when the tests run in the background of a shell, where Ctrl-C is ignored."""


@pytest.fixture(scope="module")
def customers() -> Sequence[Customer]:
    return make_people(1_200, seed=7).first_day


def write_parquet(path: Path, customers: Sequence[Customer]) -> str:
    """Several values as lists, blanks as nulls, and more than one row group."""
    columns: dict[str, list[object]] = {name: [] for name in COLUMNS}
    for one in customers:
        several = {"emails": one["emails"], "phones": one["phones"], "idfa": one["mobile_ad_ids"]}
        row = {"user_id": one["member_id"], **one["traits"], **several}
        for name, column in columns.items():
            column.append(row.get(name) or None)
    pq.write_table(pa.table(columns), path, row_group_size=500)
    return str(path)


def write_many(path: Path) -> str:
    texts = [f"member-{n}@example.org" for n in range(MANY_MEMBERS)]
    pq.write_table(pa.table({"id": texts, "email": texts}), path, row_group_size=5_000)
    return str(path)


class Terminal:
    """A command with a terminal for its progress; what it shows, without colours and movements."""

    def __init__(self, *arguments: str) -> None:
        self._shows, end_of_command = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", HEARS_CTRL_C, *arguments],
            stdout=subprocess.PIPE,
            stderr=end_of_command,
            text=True,
            start_new_session=True,
            env={"PATH": "/usr/bin:/bin", "TERM": "xterm", "COLUMNS": "250"},
        )
        os.close(end_of_command)
        self.shown = ""

    def read_until(self, pattern: str) -> None:
        """Raises: EOFError when the command ends first."""
        while not re.search(pattern, self.shown):
            if not self._read():
                raise EOFError(self.shown)

    def read_to_end(self) -> None:
        while self._read():
            pass
        os.close(self._shows)
        self.process.communicate(timeout=20)

    def _read(self) -> bool:
        # A terminal that nobody writes to any more answers with an error.
        with contextlib.suppress(OSError):
            part = os.read(self._shows, 65_536).decode()
            self.shown += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", part).replace("\r", "\n")
            return bool(part)
        return False


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    """Ends what a test that failed has left running."""
    begun: list[Terminal] = []
    yield begun
    for terminal in begun:
        terminal.process.kill()
        terminal.process.wait(timeout=20)


def test_the_same_list_as_csv_and_as_parquet_is_the_same_membership(
    stack: Stack, customers: Sequence[Customer], tmp_path: Path
) -> None:
    stack.connect()
    from_csv = import_file(stack, write_list(tmp_path / "list.csv", customers))
    assert "1,200 members sent: 1,200 changed" in from_csv
    parquet = write_parquet(tmp_path / "list.parquet", customers)
    from_parquet = import_file(stack, parquet)
    assert "1,200 members sent: 0 changed, 1,200 unchanged" in from_parquet
    drops = from_csv.splitlines()[1:]
    assert any(re.fullmatch(r"dropped [\d,]+ of EMAIL: not an email", line) for line in drops)
    assert from_parquet.splitlines()[1:] == drops


def test_a_parquet_list_can_replace_everybody_and_be_counted_before(
    stack: Stack, customers: Sequence[Customer], tmp_path: Path
) -> None:
    stack.connect()
    import_file(stack, write_list(tmp_path / "list.csv", customers[:300]))
    fewer = write_parquet(tmp_path / "fewer.parquet", customers[20:300])
    told = import_file(stack, fewer, "--replace", "--dry-run")
    assert "280 members sent: would have 20 changed, 280 unchanged" in told
    assert member_count(stack) == 300
    assert "20 changed, 280 unchanged" in import_file(stack, fewer, "--replace")
    assert member_count(stack) == 280


def test_a_mistake_in_parquet_is_named_by_file_row_and_column(stack: Stack, tmp_path: Path) -> None:
    stack.connect()
    path = tmp_path / "list.parquet"
    years = pa.array([1980.0, 1981.0, 1982.5])
    pq.write_table(pa.table({"id": ["u1", "u2", "u3"], "birth_year": years}), path)
    done = run_command(
        "import", AUDIENCE_ID, str(path), "--server", stack.service.server, "--batch-size", "1"
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "list.parquet, row 3, column birth_year: not a whole number" in done.stderr


@pytest.mark.parametrize("options", [(), ("--replace",)])
def test_an_import_that_is_interrupted_says_how_to_go_on_and_does(
    stack: Stack, tmp_path: Path, terminals: list[Terminal], options: tuple[str, ...]
) -> None:
    stack.connect()
    path = write_many(tmp_path / "many.parquet")
    arguments = ("import", AUDIENCE_ID, path, "--server", stack.service.server, *options)
    interrupted = Terminal(*arguments, "--batch-size", "50")
    terminals.append(interrupted)
    interrupted.read_until(r"many\.parquet.*%.* [\d,]+ members, [\d,]+/s, \d:\d\d:\d\d left")
    press_ctrl_c(interrupted.process)
    interrupted.read_to_end()
    assert interrupted.process.returncode == 130, interrupted.shown
    (told,) = re.findall(r"audience-sync: interrupted; .*", interrupted.shown)
    (resume,) = re.findall(r"--resume (\w+)", told)
    (sent,) = re.findall(r"([\d,]+) members", told)
    assert 0 < int(sent.replace(",", "")) < MANY_MEMBERS

    resumed = import_file(stack, path, "--resume", resume, *options)
    assert f"{MANY_MEMBERS:,} members sent: {MANY_MEMBERS:,} changed, 0 unchanged" in resumed
    assert member_count(stack) == MANY_MEMBERS
