"""`audience-sync doctor`: what is wrong, how bad it is, and the one thing to do about each."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import typer
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1 import finding_code_pb2
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub
from google.protobuf.json_format import MessageToDict

from service.cli.client import DEFAULT_SERVER, CallFailed, call, connected
from service.cli.terminal import ServerOption, fail, out, told_errors

EXIT_WELL: Final = 0
EXIT_WARNINGS: Final = 1
EXIT_ERRORS: Final = 2
_COLOURS: Final = {"error": "red", "warning": "yellow", "info": "blue"}


def doctor(
    audience_id: Annotated[
        str | None,
        typer.Argument(metavar="[AUDIENCE_ID]", help="Only this audience and its ad account."),
    ] = None,
    *,
    ad_account: Annotated[
        str, typer.Option(metavar="AD_ACCOUNT_ID", help="Only this ad account and its audiences.")
    ] = "",
    stored_only: Annotated[
        bool, typer.Option("--stored-only", help="Do not ask Facebook about the ad accounts.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Look for what is wrong or could be better: database, clocks, keys, ad accounts, audiences.

    Findings are printed worst first, each with what to do. Facebook is asked twice about each ad
    account.

    Exit status: 0 when nothing worse than an information was found, 1 for warnings, 2 for errors,
    also when the service does not answer.

    Example: `audience-sync doctor newsletter --json`
    """
    request = pb.DiagnoseRequest(
        audience_id=audience_id or "", ad_account_id=ad_account, stored_only=stored_only
    )
    with told_errors(), connected(server) as stub:
        try:
            findings = sorted(_findings(stub, request), key=lambda one: -one.severity)
        except CallFailed as failure:
            fail(str(failure), code=EXIT_ERRORS)
    if as_json:
        typer.echo(json.dumps([_record(one) for one in findings], indent=2))
    else:
        _print(findings)
    raise typer.Exit(exit_status(findings))


def exit_status(findings: Sequence[pb.Finding]) -> int:
    """What the command ends with."""
    worst = max((one.severity for one in findings), default=pb.Finding.SEVERITY_INFO)
    return {
        pb.Finding.SEVERITY_INFO: EXIT_WELL,
        pb.Finding.SEVERITY_WARNING: EXIT_WARNINGS,
    }.get(worst, EXIT_ERRORS)


def _findings(stub: AudienceSyncServiceStub, request: pb.DiagnoseRequest) -> Iterator[pb.Finding]:
    while True:
        page = call(stub.Diagnose, request)
        yield from page.findings
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def _record(finding: pb.Finding) -> dict[str, object]:
    """As in the API, with the short words of severity and code."""
    record: dict[str, object] = MessageToDict(finding, preserving_proto_field_name=True)
    return {**record, "severity": _severity(finding), "code": _code(finding)}


def _print(findings: Sequence[pb.Finding]) -> None:
    if not findings:
        out.print("nothing was found: all is well")
    for one in findings:
        about = one.audience_id or one.ad_account_id or "installation"
        severity = _severity(one)
        out.print(f"{severity:7} ", style=_COLOURS.get(severity), end="")
        out.print(f"{about}  {_code(one)}", markup=False, soft_wrap=True)
        told = ", ".join(f"{name}={value}" for name, value in sorted(one.evidence.items()))
        lines = (one.message, f"({told})" if told else "", f"→ {one.action}")
        for line in filter(None, lines):
            out.print(f"        {line}", markup=False, soft_wrap=True)
    if findings:
        counts = Counter(map(_severity, findings))
        out.print(", ".join(f"{word}: {counts[word]}" for word in _COLOURS if counts[word]))


def _severity(finding: pb.Finding) -> str:
    return pb.Finding.Severity.Name(finding.severity).removeprefix("SEVERITY_").lower()


def _code(finding: pb.Finding) -> str:
    return finding_code_pb2.FindingCode.Name(finding.code).removeprefix("FINDING_CODE_")
