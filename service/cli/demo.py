"""`audience-sync demo`: the whole thing on one machine, without a Facebook account."""

import contextlib
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import typer
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub

from service.cli.client import CallFailed, call
from service.cli.demo_people import MEMBERS_MAX, Customer, DemoPeople, make_people
from service.cli.demo_processes import ProcessEnded, temporary_folder
from service.cli.demo_report import DayReport, count_dropped, day_table, verdict
from service.cli.demo_stage import Stage, staged
from service.cli.sync import watch_with_progress
from service.cli.terminal import EXIT_FAILED, EXIT_INTERRUPTED, fail, notes, out

AUDIENCE_ID: Final = "demo-customers"
AD_ACCOUNT_ID: Final = "act_1000000001"
"""The ad account that a fresh fake has."""
ACCESS_TOKEN: Final = "fake-token"  # noqa: S105 - what a fresh fake takes; nothing is behind it
BATCH_MEMBERS: Final = 2_500
"""Members in one call of the demo."""
WATCH_S: Final = 0.5
"""Seconds between two looks whether the processes still run."""


def demo(
    members: Annotated[
        int, typer.Option(min=1, max=MEMBERS_MAX, help="Customers on the first day.")
    ] = 5_000,
    seed: Annotated[int, typer.Option(help="Another seed makes up other people.")] = 1,
    *,
    end: Annotated[
        bool, typer.Option("--exit", help="End after the second day: 0 when exact, else 1.")
    ] = False,
) -> None:
    """Show the whole service on this machine, with a fake Facebook and made-up customers.

    Starts the fake and the service (with its own Postgres, in a temporary folder) on free ports,
    connects an ad account and an audience, sends a messy list of customers and syncs it; then a
    second day, on which people leave, enter, come back and change or share e-mails. After each day
    the people in the audience are compared with those whom the members match. Then it keeps
    running until Ctrl-C.

    Example: `audience-sync demo --members 20000 --exit`
    """
    exact: bool | None = None
    try:
        with _ended_in_order(), temporary_folder() as folder, staged(folder) as stage:
            exact = _play(stage, make_people(members, seed))
            if not end:
                _keep_running(stage)
    except (ProcessEnded, CallFailed) as failure:
        notes.print(str(failure), markup=False, soft_wrap=True)
        fail("the demo could not go on")
    except KeyboardInterrupt:
        if exact is None:
            fail("interrupted", code=EXIT_INTERRUPTED)
    if not exact:
        raise typer.Exit(EXIT_FAILED)


def _play(stage: Stage, people: DemoPeople) -> bool:
    """Play both days; whether the audience was exact after each."""
    try:
        days = (_first_day(stage, people), _second_day(stage, people))
    except CallFailed:
        stage.check()  # a process that has ended says more than the call that missed it
        raise
    return all(day.exact for day in days)


def _first_day(stage: Stage, people: DemoPeople) -> DayReport:
    stage.admin.post("people", {"people": people.population})
    out.print(f"The fake Facebook knows {len(people.population):,} people.")
    audience = _connect(stage.stub)
    out.print(f"{AUDIENCE_ID} is connected to Custom Audience {audience.custom_audience_id}.")
    answers = _send(stage.stub, pb.Change.OPERATION_ADD, people.first_day)
    title = f"First day: {len(people.first_day):,} customers"
    return _sync_and_check(stage, title, people.first_day, answers)


def _second_day(stage: Stage, people: DemoPeople) -> DayReport:
    left = [{"member_id": member_id} for member_id in people.left]
    answers = _send(stage.stub, pb.Change.OPERATION_REMOVE, left)
    answers += _send(stage.stub, pb.Change.OPERATION_ADD, [*people.changed, *people.entered])
    title = (
        f"Second day: {len(people.left):,} left, {len(people.entered):,} entered or came back, "
        f"{len(people.changed):,} changed their e-mail"
    )
    return _sync_and_check(stage, title, people.second_day(), answers)


def _connect(stub: AudienceSyncServiceStub) -> pb.Audience:
    account = pb.ConnectAdAccountRequest(ad_account_id=AD_ACCOUNT_ID, access_token=ACCESS_TOKEN)
    call(stub.ConnectAdAccount, account)
    wish = pb.ConnectAudienceRequest(
        audience_id=AUDIENCE_ID, ad_account_id=AD_ACCOUNT_ID, name="Demo customers"
    )
    audience = call(stub.ConnectAudience, wish).audience
    if not audience.custom_audience_id:
        raise CallFailed(f"the Custom Audience was not created: {audience.blocked_message}")
    return audience


def _send(
    stub: AudienceSyncServiceStub,
    operation: "pb.Change.Operation.ValueType",
    members: Sequence[Customer] | Sequence[Mapping[str, Any]],
) -> list[pb.UpdateMembershipResponse]:
    changes = [pb.Change(operation=operation, member=pb.Member(**one)) for one in members]
    starts = range(0, len(changes), BATCH_MEMBERS)
    slices = [changes[start : start + BATCH_MEMBERS] for start in starts]
    requests = (pb.UpdateMembershipRequest(audience_id=AUDIENCE_ID, changes=one) for one in slices)
    return [call(stub.UpdateMembership, request) for request in requests]


def _sync_and_check(
    stage: Stage,
    title: str,
    present: Sequence[Customer],
    answers: list[pb.UpdateMembershipResponse],
) -> DayReport:
    """Sync, ask the fake for the truth, and print the day."""
    begun = call(stage.stub.SyncNow, pb.SyncNowRequest(audience_id=AUDIENCE_ID)).sync
    sync = watch_with_progress(stage.stub, begun)
    audience = call(stage.stub.GetAudience, pb.GetAudienceRequest(audience_id=AUDIENCE_ID)).audience
    wanted, matched_members = stage.admin.match(present)
    day = DayReport(
        title=title,
        members=audience.member_count,
        sync=sync,
        dropped=count_dropped(answers),
        unmatchable=audience.unmatchable_count,
        matched_members=matched_members,
        inside=frozenset(stage.admin.people_inside(audience.custom_audience_id)),
        wanted=frozenset(wanted),
    )
    out.print(day_table(day))
    out.print(verdict(day), style="green" if day.exact else "red", markup=False)
    return day


def _keep_running(stage: Stage) -> None:
    service = "audiencesync.v1.AudienceSyncService"
    url = f"http://{stage.server}/{service}"
    body = f'\'{{"audience_id": "{AUDIENCE_ID}"}}\''
    lines = (
        "",
        f"The service: {stage.server}",
        f"The fake:    {stage.graph_url} (Graph), {stage.admin_url} (its page for people)",
        "",
        f"grpcurl -plaintext -d {body} {stage.server} {service}/GetAudience",
        f"./run buf curl --protocol grpc --http2-prior-knowledge -d {body} {url}/SyncNow",
        f"./run audience-sync status {AUDIENCE_ID} --server {stage.server}",
        "",
        "Ctrl-C ends it and leaves nothing behind.",
    )
    out.print("\n".join(lines), markup=False, soft_wrap=True)
    never = threading.Event()
    while not never.wait(WATCH_S):
        stage.check()


@contextlib.contextmanager
def _ended_in_order() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end the demo as Ctrl-C does; while it ends, nothing more."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(*_: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
