"""What README says must be true."""

import re
from pathlib import Path

import typer.main

from service.cli.main import app

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()


def test_it_opens_with_the_two_commands() -> None:
    demo, tests = README.index("./run audience-sync demo"), README.index("./run pytest")
    assert demo < tests < 150


def test_every_command_is_listed() -> None:
    listed = set(re.findall(r"^\| `audience-sync ([\w-]+)`", README, re.MULTILINE))
    assert listed == set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_the_python_example_is_python_that_uses_fields_there_are() -> None:
    example = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert example is not None
    calls: list[str] = []

    class Stub:
        def __init__(self, channel: object) -> None:
            pass

        def __getattr__(self, name: str) -> object:
            calls.append(name)
            return lambda request: _Answer()

    code = example[1].replace("AudienceSyncServiceStub(grpc", "Stub(grpc")
    exec(compile(code, "README.md", "exec"), {"Stub": Stub})  # noqa: S102 - our own text
    assert calls == [
        "ConnectAdAccount",
        "ConnectAudience",
        "UpdateMembership",
        "SyncNow",
        "WatchSync",
    ]


class _Answer:
    """Answers every field with itself, and is an empty stream."""

    changed_count = 0
    dropped_identifiers = ()
    sync_id = ""

    @property
    def sync(self) -> "_Answer":
        return self

    def __iter__(self) -> "_Answer":
        return self

    def __next__(self) -> None:
        raise StopIteration
