"""A service that asks who calls, as an operator sets it up and its callers use it."""

from pathlib import Path

import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from typer.testing import CliRunner

from service.cli.access import Access, using
from service.cli.client import CallFailed, call, connected
from service.cli.main import app
from tests.e2e.conftest import ACCESS_TOKEN, AD_ACCOUNT_ID, SEALING_KEYS, Stack, run_command
from tests.unit.rpc.access.builders import Authority, replaced

pytestmark = [pytest.mark.calm, pytest.mark.timeout(110)]


def new_token(name: str, *scopes: str) -> tuple[str, str]:
    """A token and its line, as the command prints them."""
    options = [option for scope in scopes for option in ("--scope", scope)]
    done = CliRunner().invoke(app, ["new-token", name, *options])
    assert done.exit_code == 0, done.output
    token, line = done.stdout.splitlines()
    return token, line


def test_it_is_set_up_by_commands_and_files_and_keeps_its_tokens_to_itself(
    bare_stack: Stack, tmp_path: Path
) -> None:
    authority = Authority()
    issued = authority.issue()
    boss, boss_line = new_token("boss", "read", "administer")
    reader, reader_line = new_token("reader", "read")
    settings = {
        "LISTEN": "0.0.0.0:0",
        "TLS_CERTIFICATE_FILE": str(replaced(tmp_path / "server.crt", issued.certificate)),
        "TLS_KEY_FILE": str(replaced(tmp_path / "server.key", issued.key)),
        "TOKENS_FILE": str(replaced(tmp_path / "tokens.toml", f"{boss_line}\n{reader_line}\n")),
    }
    service = bare_stack.start_service(**settings)
    server = f"localhost:{service.server.rpartition(':')[2]}"
    ca = replaced(tmp_path / "ca.crt", authority.pem)
    account = pb.ConnectAdAccountRequest(ad_account_id=AD_ACCOUNT_ID, access_token=ACCESS_TOKEN)
    for token, reason in ((boss, ""), (reader, "CALLER_NOT_ALLOWED"), ("", "CALLER_UNKNOWN")):
        with using(Access(token=token, tls_ca=ca)), connected(server) as stub:
            try:
                call(stub.ConnectAdAccount, account)
                ended = ""
            except CallFailed as failure:
                ended = failure.reason
        assert ended == reason

    mine = {"AUDIENCE_SYNC_TLS_CA": str(ca), "AUDIENCE_SYNC_TOKEN": reader}
    done = run_command("status", "--server", server, environment=mine, timeout_s=50)
    assert done.returncode == 0, done.stderr

    log = bare_stack.logs()
    assert '"caller":"boss"' in log
    assert '"why":"scope administer is missing"' in log
    assert '"why":"no token"' in log
    assert boss not in log
    assert reader not in log


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"TOKENS_FILE": "/no/tokens.toml"}, "/no/tokens.toml: cannot be read"),
        (
            {"TLS_CERTIFICATE_FILE": "/no/a.pem", "TLS_KEY_FILE": "/no/b.pem"},
            "/no/a.pem cannot be read",
        ),
    ],
)
def test_it_does_not_start_half_set_up(settings: dict[str, str], told: str) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:9/none"  # which it does not come to
    base = {"LISTEN": "127.0.0.1:0", "DATABASE_URL": nowhere, "SEALING_KEYS": SEALING_KEYS}
    named = {f"AUDIENCE_SYNC_{name}": value for name, value in {**base, **settings}.items()}
    done = run_command("serve", environment=named, timeout_s=50)
    assert done.returncode == 1
    assert told in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
