"""The demo proves itself, and leaves nothing behind however it ends."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import begin_command, press_ctrl_c, run_command


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder with a short path for what the demo makes: Postgres listens on a socket there."""
    folder = Path(tempfile.mkdtemp(prefix="as-", dir="/tmp"))
    folder.chmod(0o755)
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    folder.rmdir()


def processes_naming(text: str) -> list[str]:
    """Command lines and variables of running processes that mention a text."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if text.encode() in words and int(process.name) != os.getpid():
            found.append(process.name)
    return found


def test_the_demo_ends_exact_and_leaves_nothing_behind(temporary: Path) -> None:
    done = run_command("demo", "--members", "600", "--exit", environment={"TMPDIR": str(temporary)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("\nEXACT: ") == 2
    assert "match rate" in done.stdout
    assert list(temporary.iterdir()) == []
    assert processes_naming(str(temporary)) == []


def test_ctrl_c_ends_the_demo_and_leaves_nothing_behind(temporary: Path) -> None:
    demo = begin_command("demo", "--members", "200")
    assert demo.stdout is not None
    for line in demo.stdout:
        if line.startswith("Ctrl-C"):
            break
    assert processes_naming(str(temporary)) != []
    press_ctrl_c(demo)
    _, errors = demo.communicate(timeout=60)
    assert demo.returncode == 0, errors
    assert list(temporary.iterdir()) == []
    assert processes_naming(str(temporary)) == []


def test_a_service_that_dies_ends_the_demo_with_its_last_lines(temporary: Path) -> None:
    demo = begin_command("demo", "--members", "200")
    assert demo.stdout is not None
    for line in demo.stdout:
        if line.startswith("Ctrl-C"):
            break
    for number in processes_naming(str(temporary)):
        words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
        if b"serve" in words:
            os.kill(int(number), 9)
    _, errors = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert "audience-sync serve ended with status -9; its last lines:" in errors
    assert list(temporary.iterdir()) == []
    assert processes_naming(str(temporary)) == []
