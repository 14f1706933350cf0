"""TLS with real certificates: taken anew without a restart, asked of callers, and no plain text."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
import structlog
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub

from service.rpc.access.certificates import CertificateError, Certificates, TlsFiles
from service.rpc.access.watched_files import LOOK_SECONDS
from tests.integration.entrance_world import GET, Site, bearer, calling, running_site
from tests.integration.rpc_refusals import Refusal, refusal
from tests.unit.rpc.access.builders import Authority, HandClock, Issued, a_line, replaced

pytestmark = pytest.mark.timeout(50)


@pytest.fixture
def authority() -> Authority:
    return Authority()


class Files:
    """The PEM files of a server."""

    def __init__(self, folder: Path, authority: Authority, *, asks_callers: bool = False) -> None:
        self.clock = HandClock()
        self.tls = TlsFiles(
            certificate=folder / "server.crt",
            key=folder / "server.key",
            client_ca=folder / "clients.crt" if asks_callers else None,
        )
        if self.tls.client_ca is not None:
            replaced(self.tls.client_ca, authority.pem)
        self.put(authority.issue())
        self.certificates = Certificates(self.tls, self.clock)

    def put(self, issued: Issued) -> None:
        replaced(self.tls.certificate, issued.certificate)
        replaced(self.tls.key, issued.key)

    def look(self) -> None:
        """Let the time pass after which files are looked at again."""
        self.clock.now_s += LOOK_SECONDS


@asynccontextmanager
async def secure_site(folder: Path, files: Files) -> AsyncIterator[Site]:
    credentials = files.certificates.credentials()
    async with running_site(folder, a_line(), credentials=credentials) as site:
        yield site


async def reach(site: Site, trusted: bytes, mine: Issued | None = None) -> Refusal:
    """Call over a connection of its own; who comes in is refused by the handler, as INTERNAL."""
    pair = (mine.key, mine.certificate) if mine else (None, None)
    credentials = grpc.ssl_channel_credentials(trusted, *pair)
    own = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(site.address, credentials, own) as channel:
        stub: Any = AudienceSyncServiceStub(channel)
        call = stub.GetAudience(GET, metadata=bearer("ast_billing"), timeout=10)
        return await refusal(call)


async def test_calls_come_by_tls(tmp_path: Path, authority: Authority) -> None:
    async with secure_site(tmp_path, Files(tmp_path, authority)) as site:
        assert (await reach(site, authority.pem)).reason == "INTERNAL"
        told = await reach(site, Authority("Another CA").pem)
        assert told.code == grpc.StatusCode.UNAVAILABLE


async def test_plain_text_to_a_tls_port_is_not_answered(
    tmp_path: Path, authority: Authority
) -> None:
    async with secure_site(tmp_path, Files(tmp_path, authority)) as site:
        async with calling(site) as stub:
            told = await refusal(stub.GetAudience(GET, metadata=bearer("ast_billing"), timeout=10))
        assert told.code == grpc.StatusCode.UNAVAILABLE
        assert (await reach(site, authority.pem)).reason == "INTERNAL"


async def test_new_files_are_for_new_connections_and_old_connections_stay(
    tmp_path: Path, authority: Authority
) -> None:
    files, other = Files(tmp_path, authority), Authority("Next CA")
    async with secure_site(tmp_path, files) as site:
        credentials = grpc.ssl_channel_credentials(authority.pem)
        async with grpc.aio.secure_channel(site.address, credentials) as channel:
            old: Any = AudienceSyncServiceStub(channel)
            mine = {"metadata": bearer("ast_billing"), "timeout": 10}
            assert (await refusal(old.GetAudience(GET, **mine))).reason == "INTERNAL"
            files.put(other.issue())
            files.look()
            assert (await reach(site, other.pem)).reason == "INTERNAL"
            assert (await reach(site, authority.pem)).code == grpc.StatusCode.UNAVAILABLE
            assert (await refusal(old.GetAudience(GET, **mine))).reason == "INTERNAL"


async def test_files_that_do_not_fit_together_leave_the_former_ones_in_use(
    tmp_path: Path, authority: Authority
) -> None:
    files, other = Files(tmp_path, authority), Authority("Next CA")
    issued = other.issue()
    async with secure_site(tmp_path, files) as site:
        replaced(files.tls.certificate, issued.certificate)  # and its key is not there yet
        files.look()
        with structlog.testing.capture_logs() as log:
            assert (await reach(site, authority.pem)).reason == "INTERNAL"
        told = [line["problem"] for line in log if line["event"] == "certificate not taken"]
        assert told == [f"{files.tls.key} is not the key of {files.tls.certificate}"]
        replaced(files.tls.key, issued.key)
        files.look()
        assert (await reach(site, other.pem)).reason == "INTERNAL"


async def test_only_callers_with_a_certificate_of_the_right_root_get_a_connection(
    tmp_path: Path, authority: Authority
) -> None:
    files = Files(tmp_path, authority, asks_callers=True)
    stranger = Authority("Another CA")
    async with secure_site(tmp_path, files) as site:
        assert (await reach(site, authority.pem, authority.issue("caller"))).reason == "INTERNAL"
        for mine in (None, stranger.issue("caller")):
            assert (await reach(site, authority.pem, mine)).code == grpc.StatusCode.UNAVAILABLE
        assert files.tls.client_ca is not None
        replaced(files.tls.client_ca, stranger.pem)
        files.look()
        assert (await reach(site, authority.pem, stranger.issue("caller"))).reason == "INTERNAL"
        told = await reach(site, authority.pem, authority.issue("caller"))
        assert told.code == grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("server.crt", None, "server.crt cannot be read: No such file or directory"),
        ("server.crt", b"secret", "server.crt has no certificate in PEM"),
        ("server.key", b"secret", "server.key is not a private key in PEM without a password"),
        ("server.key", Authority().issue().key, "server.key is not the key of "),
        ("clients.crt", b"secret", "clients.crt has no certificate in PEM"),
    ],
)
def test_a_file_that_does_not_do_is_told_by_its_name(
    tmp_path: Path, authority: Authority, name: str, content: bytes | None, told: str
) -> None:
    files = Files(tmp_path, authority, asks_callers=True)
    path = tmp_path / name
    if content is None:
        path.unlink()
    else:
        replaced(path, content)
    with pytest.raises(CertificateError) as caught:
        Certificates(files.tls, files.clock)
    assert told in str(caught.value)
    assert "secret" not in str(caught.value)
