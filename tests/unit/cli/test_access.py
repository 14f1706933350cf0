"""How commands get in: their options and variables, and what they show of a token."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from typer.testing import CliRunner

from service.cli import status
from service.cli.access import Access, given_access, using
from service.cli.channel import CannotGetIn, open_channel
from service.cli.client import CallFailed, connected
from service.cli.main import COMMANDS, app
from service.rpc.access.scopes import Scope
from service.rpc.access.tokens import token_digest
from service.rpc.access.tokens_file import parse_tokens
from service.settings import OF_CLIENTS
from tests.unit.rpc.access.builders import Authority, replaced

LOCAL = {"demo", "serve", "migrate", "rotate-keys", "new-token"}
VARIABLES = {
    "AUDIENCE_SYNC_TOKEN": "ast_mine",
    "AUDIENCE_SYNC_TLS_CA": "ca.pem",
    "AUDIENCE_SYNC_TLS_CERT": "cert.pem",
    "AUDIENCE_SYNC_TLS_KEY": "key.pem",
}


def run(*arguments: str, **variables: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "300", **variables})
    return done.exit_code, done.output


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Access]:
    """What a command that would connect was given."""
    given: list[Access] = []

    def connect(_server: str) -> Any:
        given.append(given_access())
        raise CallFailed("stop here")

    monkeypatch.setattr(status, "connected", connect)
    return given


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - LOCAL))
def test_every_command_that_calls_takes_a_token_and_shows_none(command: str) -> None:
    code, text = run(command, "--help", AUDIENCE_SYNC_TOKEN="ast_secret")
    assert code == 0
    assert "--token" in text
    assert "AUDIENCE_SYNC_TOKEN" in text
    assert "ast_secret" not in text


def test_what_is_needed_comes_from_variables(seen: list[Access]) -> None:
    run("status", **VARIABLES)
    ca, cert, key = Path("ca.pem"), Path("cert.pem"), Path("key.pem")
    assert seen == [Access(token="ast_mine", tls_ca=ca, tls_cert=cert, tls_key=key)]
    assert "ast_mine" not in repr(seen)


def test_an_option_wins_over_its_variable(seen: list[Access]) -> None:
    run("status", "--token", "ast_other", "--plain-text", AUDIENCE_SYNC_TOKEN="ast_mine")
    assert seen == [Access(token="ast_other", plain_text=True)]


def test_the_service_knows_the_variables_of_the_commands() -> None:
    assert {name.removeprefix("AUDIENCE_SYNC_").lower() for name in VARIABLES} == OF_CLIENTS


def test_a_token_goes_to_another_machine_by_tls_only_unless_that_is_wished() -> None:
    with pytest.raises(CannotGetIn, match="plain text"):
        open_channel("10.0.0.1:1", Access(token="ast_secret"), ())
    open_channel("10.0.0.1:1", Access(token="ast_secret", plain_text=True), ()).close()
    open_channel("127.0.0.1:1", Access(token="ast_secret"), ()).close()
    open_channel("10.0.0.1:1", Access(), ()).close()


@pytest.mark.parametrize("token", ["ast_\nsecret", "ast_ secret", "ast_sécret"])
def test_a_token_that_is_none_is_not_repeated(token: str) -> None:
    code, text = run("status", "--server", "127.0.0.1:1", "--token", token)
    assert code == 1
    assert "was it copied whole" in text
    assert "secret" not in text
    assert "cret" not in text.replace("secret", "")


def test_a_file_that_cannot_be_read_is_one_line() -> None:
    code, text = run("status", "--tls-ca", "/no/such.pem")
    assert (code, text) == (
        1,
        "audience-sync: /no/such.pem cannot be read: No such file or directory\n",
    )


class Listener(grpc.GenericRpcHandler):
    """Answers every call with nothing, and keeps what came with it."""

    def __init__(self) -> None:
        self.tokens: list[Any] = []

    def service(self, details: Any) -> Any:
        self.tokens.append(dict(details.invocation_metadata).get("authorization"))
        if details.method.endswith("WatchSync"):
            return grpc.unary_stream_rpc_method_handler(lambda _request, _context: iter([b""]))
        if details.method.endswith("ImportMembership"):
            return grpc.stream_stream_rpc_method_handler(lambda _requests, _context: iter([b""]))
        return grpc.unary_unary_rpc_method_handler(lambda _request, _context: b"")


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
def address(listener: Listener, authority: Authority) -> Iterator[str]:
    """Where a server listens by TLS that asks for certificates too."""
    mine = authority.issue()
    pairs = [(mine.key, mine.certificate)]
    server = grpc.server(ThreadPoolExecutor(2), handlers=[listener])
    port = server.add_secure_port(
        "localhost:0",
        grpc.ssl_server_credentials(pairs, authority.pem, require_client_auth=True),
    )
    server.start()
    yield f"localhost:{port}"
    server.stop(0)


def test_token_and_certificates_go_with_calls_of_every_kind(
    tmp_path: Path, address: str, listener: Listener, authority: Authority
) -> None:
    issued = authority.issue("caller")
    access = Access(
        token="ast_mine",
        tls_ca=replaced(tmp_path / "ca.pem", authority.pem),
        tls_cert=replaced(tmp_path / "cert.pem", issued.certificate),
        tls_key=replaced(tmp_path / "key.pem", issued.key),
    )
    with using(access), connected(address) as stub:
        stub.GetAudience(pb.GetAudienceRequest(), timeout=10)
        list(stub.WatchSync(pb.WatchSyncRequest(), timeout=10))
        list(stub.ImportMembership(iter([pb.ImportMembershipRequest()]), timeout=10))
    assert listener.tokens == ["Bearer ast_mine"] * 3


def test_a_new_token_is_the_one_whose_hash_its_line_has() -> None:
    arguments = ("--scope", "read", "--scope", "write", "--audience", "crm-*", "--days", "2")
    done = CliRunner().invoke(app, ["new-token", "crm", *arguments])
    assert done.exit_code == 0, done.output
    token, line = done.stdout.splitlines()
    assert re.fullmatch(r"ast_[\w-]{43}", token)
    caller = parse_tokens(line)[token_digest(token)]
    assert (caller.name, caller.audience_patterns) == ("crm", ("crm-*",))
    assert set(caller.scopes) == {Scope.READ, Scope.WRITE}
    assert caller.expires_at is not None
    assert token not in done.stderr + line


def test_a_name_that_none_can_have_is_a_mistake_of_usage() -> None:
    code, text = run("new-token", "Crm", "--scope", "read")
    assert code == 2
    assert "a caller's name must be" in text
