"""The commands of people at a terminal, against a real service."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from service.cli.demo_processes import start_service
from tests.e2e.conftest import AD_ACCOUNT_ID, AUDIENCE_ID, SEALING_KEYS, Stack, run_command


def test_an_audience_is_connected_filled_synced_and_shown(stack: Stack, tmp_path: Path) -> None:
    server = ("--server", stack.service.server)
    path = tmp_path / "list.csv"
    path.write_text("id,email\nm1,one@example.com\nm2,two@example.com\n")
    token = {"FACEBOOK_ACCESS_TOKEN": "fake-token"}

    account = run_command("connect-ad-account", AD_ACCOUNT_ID, *server, environment=token)
    assert account.returncode == 0, account.stderr
    wish = ("connect", AUDIENCE_ID, "--ad-account", AD_ACCOUNT_ID)
    assert "is active" in run_command(*wish, *server).stdout
    assert run_command("import", AUDIENCE_ID, str(path), *server).returncode == 0
    synced = run_command("sync", AUDIENCE_ID, *server)
    assert synced.returncode == 0, synced.stderr
    assert "succeeded" in synced.stdout

    assert AUDIENCE_ID in run_command("status", *server).stdout
    one = run_command("status", AUDIENCE_ID, *server).stdout
    assert "active" in one
    assert "members" in one
    assert "succeeded" in run_command("history", AUDIENCE_ID, *server).stdout
    assert "refused no row" in run_command("rejected", AUDIENCE_ID, *server).stdout


def test_a_wrong_token_is_one_line_without_the_token(shared_stack: Stack) -> None:
    environment = {"FACEBOOK_ACCESS_TOKEN": "no-such-token"}
    done = run_command(
        "connect-ad-account",
        AD_ACCOUNT_ID,
        "--server",
        shared_stack.service.server,
        environment=environment,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "TOKEN_INVALID" in done.stderr
    assert "no-such-token" not in done.stdout + done.stderr


def test_an_unknown_audience_is_one_line_that_says_what_to_do(shared_stack: Stack) -> None:
    for command in ("sync", "status", "history", "rejected"):
        done = run_command(command, "nobody", "--server", shared_stack.service.server)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert "AUDIENCE_NOT_FOUND" in done.stderr
        assert "audience-sync connect" in done.stderr


def test_buf_curl_finds_the_methods_by_reflection(shared_stack: Stack) -> None:
    shared_stack.connect()
    url = f"http://{shared_stack.service.server}/audiencesync.v1.AudienceSyncService/GetAudience"
    buf = str(Path(sys.executable).with_name("buf"))
    options = ("--protocol", "grpc", "--http2-prior-knowledge")
    command = [buf, "curl", *options, "-d", f'{{"audience_id": "{AUDIENCE_ID}"}}', url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["audience"]["state"] == "STATE_ACTIVE"


def test_a_stopped_service_drains_and_ends_with_status_0_and_is_healthy_until_then(
    stack: Stack,
) -> None:
    asked = ("health", "--server", stack.service.server)
    assert run_command(*asked).returncode == 0
    process = stack.service.process.process
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    done = run_command(*asked)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_migrate_prints_the_version(empty_database_url: str) -> None:
    environment = {
        "AUDIENCE_SYNC_DATABASE_URL": empty_database_url,
        "AUDIENCE_SYNC_SEALING_KEYS": SEALING_KEYS,
    }
    first = run_command("migrate", environment=environment)
    assert first.returncode == 0, first.stderr
    assert int(first.stdout) >= 1
    assert run_command("migrate", environment=environment).stdout == first.stdout


def test_a_taken_port_is_one_line(shared_stack: Stack) -> None:
    environment = {
        "AUDIENCE_SYNC_DATABASE_URL": shared_stack.database_url,
        "AUDIENCE_SYNC_SEALING_KEYS": SEALING_KEYS,
        "AUDIENCE_SYNC_LISTEN": shared_stack.service.server,
        "AUDIENCE_SYNC_METRICS_LISTEN": "off",
        "AUDIENCE_SYNC_LOG_LEVEL": "error",
    }
    done = run_command("serve", environment=environment)
    assert done.returncode == 1
    assert f"cannot listen on {shared_stack.service.server}" in done.stderr.splitlines()[-1]


def test_a_service_without_its_database_says_so_and_ends(tmp_path: Path) -> None:
    settings = {
        "DATABASE_URL": "postgresql://nobody:hush@127.0.0.1:9/none",
        "SEALING_KEYS": SEALING_KEYS,
        "LISTEN": "127.0.0.1:0",
        "METRICS_LISTEN": "127.0.0.1:0",
    }
    with start_service(tmp_path / "service.log", settings) as service:
        assert service.process.wait(timeout=60) == 1
    words = (tmp_path / "service.log").read_text()
    assert "Postgres is unavailable" in words
    assert "hush" not in words
    assert "Traceback" not in words
