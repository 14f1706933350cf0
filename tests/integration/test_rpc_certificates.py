"""Callers who are known by their certificate alone, beside those with tokens."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import grpc.aio
import pytest
import structlog
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub
from cryptography import x509

from service.rpc.access.caller_limits import CallerBounds
from service.rpc.access.certificates import Certificates, TlsFiles
from tests.integration.entrance_world import GET, Site, bearer, running_site
from tests.integration.import_calls import header
from tests.integration.rpc_refusals import Refusal, refusal
from tests.unit.rpc.access.builders import Authority, Issued, a_line, replaced

pytestmark = pytest.mark.timeout(50)

SPIFFE = "spiffe://shop.example/crm"
CRM = f'crm = {{ certificates = ["{SPIFFE}", "Old CRM"], scopes = ["read"] }}'
BEYOND = "INTERNAL"
"""The reason of a call that came in: the handlers behind this entrance fail."""

Line: TypeAlias = MutableMapping[str, Any]
AUTHORITY = Authority()
HERS = AUTHORITY.issue("whatever", [x509.UniformResourceIdentifier(SPIFFE)])


@asynccontextmanager
async def site_of(
    folder: Path, *lines: str, asks: bool = True, bounds: CallerBounds | None = None
) -> AsyncIterator[Site]:
    """A site that asks for certificates of AUTHORITY, unless it does not."""
    mine = AUTHORITY.issue()
    tls = TlsFiles(
        certificate=replaced(folder / "server.crt", mine.certificate),
        key=replaced(folder / "server.key", mine.key),
        client_ca=replaced(folder / "clients.crt", AUTHORITY.pem) if asks else None,
    )
    credentials = Certificates(tls, lambda: 0.0).credentials()
    async with running_site(
        folder, *lines, credentials=credentials, knows_certificates=asks, bounds=bounds
    ) as site:
        yield site


@asynccontextmanager
async def calling_with(site: Site, certificate: Issued) -> AsyncIterator[Any]:
    credentials = grpc.ssl_channel_credentials(
        AUTHORITY.pem, certificate.key, certificate.certificate
    )
    own = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(site.address, credentials, own) as channel:
        yield AudienceSyncServiceStub(channel)


async def lines_of_calls(log: Sequence[Line], count: int) -> list[Line]:
    """Wait for the lines of so many calls: each is written when its caller has the answer already."""
    while len(lines := [line for line in log if line["event"] == "rpc"]) < count:
        await asyncio.sleep(0)
    return lines


async def get(site: Site, certificate: Issued, token: str | None = None) -> Refusal:
    async with calling_with(site, certificate) as stub:
        metadata = bearer(token) if token is not None else ()
        return await refusal(stub.GetAudience(GET, metadata=metadata, timeout=10))


async def test_a_name_in_a_certificate_tells_the_caller_without_a_token(tmp_path: Path) -> None:
    async with site_of(tmp_path, CRM) as site:
        with structlog.testing.capture_logs() as log:
            assert (await get(site, HERS)).reason == BEYOND
            (line,) = await lines_of_calls(log, 1)
        assert line["caller"] == "crm"


async def test_what_a_certified_caller_may_not_is_refused_by_the_callers_name(
    tmp_path: Path,
) -> None:
    async with site_of(tmp_path, CRM) as site, calling_with(site, HERS) as stub:
        with structlog.testing.capture_logs() as log:
            update = pb.UpdateMembershipRequest(audience_id="shoppers")
            assert (await refusal(stub.UpdateMembership(update))).reason == "CALLER_NOT_ALLOWED"
            sending = stub.ImportMembership(iter([header()]))
            assert (await refusal(anext(aiter(sending)))).reason == "CALLER_NOT_ALLOWED"
            lines = await lines_of_calls(log, 2)
        assert [(line["caller"], line["why"]) for line in lines] == [
            ("crm", "scope write is missing")
        ] * 2


async def test_what_is_not_for_a_certified_caller_is_refused(tmp_path: Path) -> None:
    limited = CRM.replace(" }", ', audiences = ["news"] }')
    async with site_of(tmp_path, limited) as site:
        assert (await get(site, HERS)).reason == "CALLER_NOT_ALLOWED"
        assert not site.doors.reached.is_set()


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (AUTHORITY.issue("Old CRM", []), BEYOND),
        (AUTHORITY.issue("Old CRM"), "CALLER_UNKNOWN"),
        (AUTHORITY.issue("whatever", [x509.DNSName("crm.example")]), "CALLER_UNKNOWN"),
        (AUTHORITY.issue("crm", []), "CALLER_UNKNOWN"),
    ],
    ids=["common name", "common name beside alternatives", "another name", "the caller's own name"],
)
async def test_the_common_name_counts_only_where_there_is_no_other(
    tmp_path: Path, certificate: Issued, reason: str
) -> None:
    async with site_of(tmp_path, CRM) as site:
        assert (await get(site, certificate)).reason == reason


async def test_a_certificate_of_two_callers_is_that_of_none(tmp_path: Path) -> None:
    other = 'web = { certificates = ["web.example"], scopes = ["read"] }'
    both = AUTHORITY.issue(
        "x", [x509.UniformResourceIdentifier(SPIFFE), x509.DNSName("web.example")]
    )
    async with site_of(tmp_path, CRM, other) as site:
        with structlog.testing.capture_logs() as log:
            assert (await get(site, both)).reason == "CALLER_UNKNOWN"
            (line,) = await lines_of_calls(log, 1)
        assert line["why"] == "its certificate is that of crm, web"


async def test_who_sends_a_token_is_told_by_it_alone(tmp_path: Path) -> None:
    async with site_of(tmp_path, CRM, a_line("billing", "ast_billing")) as site:
        with structlog.testing.capture_logs() as log:
            assert (await get(site, HERS, "ast_wrong")).reason == "CALLER_UNKNOWN"
            await lines_of_calls(log, 1)
            assert (await get(site, HERS, "ast_billing")).reason == BEYOND
            lines = await lines_of_calls(log, 2)
        assert [line.get("caller") for line in lines] == [None, "billing"]


async def test_the_name_of_a_certificate_is_no_token(tmp_path: Path) -> None:
    stranger = AUTHORITY.issue("stranger")
    async with site_of(tmp_path, CRM) as site:
        assert (await get(site, stranger, SPIFFE)).reason == "CALLER_UNKNOWN"


async def test_taking_the_name_out_of_the_file_revokes_it_on_connections_that_stand(
    tmp_path: Path,
) -> None:
    async with site_of(tmp_path, CRM) as site, calling_with(site, HERS) as stub:
        assert (await refusal(stub.GetAudience(GET))).reason == BEYOND
        site.write_tokens(a_line())
        assert (await refusal(stub.GetAudience(GET))).reason == "CALLER_UNKNOWN"


async def test_calls_of_a_certified_caller_are_limited(tmp_path: Path) -> None:
    bounds = CallerBounds(calls_per_second=0.5)
    async with site_of(tmp_path, CRM, bounds=bounds) as site, calling_with(site, HERS) as stub:
        assert (await refusal(stub.GetAudience(GET))).reason == BEYOND
        assert (await refusal(stub.GetAudience(GET))).reason == "CALLER_OVER_LIMIT"


async def test_where_no_certificates_are_asked_for_their_names_open_nothing_and_that_is_told(
    tmp_path: Path,
) -> None:
    with structlog.testing.capture_logs() as log:
        async with site_of(tmp_path, CRM, asks=False) as site:
            assert (await get(site, HERS)).reason == "CALLER_UNKNOWN"
    assert [line["event"] for line in log if line["log_level"] == "warning"] == [
        "callers' certificates are of no use: connections do not ask for them"
    ]
