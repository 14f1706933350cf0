"""The help of the commands, and settings that are wrong."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from service.cli.main import app
from service.settings_table import describe_settings

COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def run(*arguments: str, **variables: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "300", **variables})
    return done.exit_code, done.stdout, done.stderr


def test_the_version_is_that_of_pyproject() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert run("--version")[:2] == (0, f"audience-sync {project['version']}\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_does_with_an_example(command: str) -> None:
    status, text, _ = run(command, "--help")
    assert status == 0
    assert "Example: " in text
    assert f"audience-sync {command}" in text


def test_serve_lists_every_setting_with_its_default() -> None:
    _, text, _ = run("serve", "--help")
    for row in describe_settings():
        assert f"{row.name} = {row.default}" in text


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_wrong_or_unknown_setting_is_one_line_and_status_2(command: str) -> None:
    status, _, errors = run(command, AUDIENCE_SYNC_LISTN="x")
    assert (status, errors.count("\n")) == (2, 1)
    assert "did you mean AUDIENCE_SYNC_LISTEN?" in errors
    status, _, errors = run(command, AUDIENCE_SYNC_POLL_SECONDS="soon")
    assert (status, errors.count("\n")) == (2, 1)
    assert "AUDIENCE_SYNC_POLL_SECONDS" in errors


def test_a_missing_list_is_a_mistake_of_usage() -> None:
    assert run("import", "a", "/no/such/file.csv")[0] == 2


def test_a_token_cannot_be_given_as_an_argument() -> None:
    _, text, _ = run("connect-ad-account", "--help")
    assert "--access-token" not in text
    assert "--app-secret" not in text


def test_a_command_that_only_calls_the_service_does_not_wait_for_its_modules() -> None:
    look_up = "import sys, typer; from service.cli.main import app"
    look_up += "; typer.main.get_command(app).commands['status']"
    look_up += "; print('service.cli.status' in sys.modules, 'service.app' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", look_up], capture_output=True, text=True, check=True, timeout=50
    )
    assert done.stdout == "True False\n"
