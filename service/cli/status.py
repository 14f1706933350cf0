"""`audience-sync status`: the audiences, or everything about one."""

from collections.abc import Iterator
from typing import Annotated

import typer
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub
from google.protobuf.timestamp_pb2 import Timestamp
from rich import box
from rich.markup import escape
from rich.table import Table

from service.cli.client import DEFAULT_SERVER, call, connected
from service.cli.terminal import ServerOption, out, told_errors
from service.cli.token_ends import ad_accounts, token_end, warnings
from service.clock import Clock


def status(
    audience_id: Annotated[
        str | None,
        typer.Argument(metavar="[AUDIENCE_ID]", help="One audience; without it, all of them."),
    ] = None,
    server: ServerOption = DEFAULT_SERVER,
) -> None:
    """Show the audiences, or everything about one: its state, its members, and what waits.

    Example: `audience-sync status newsletter`
    """
    with told_errors(), connected(server) as stub:
        if audience_id is None:
            out.print(_all(list(_audiences(stub))))
            for warning in warnings(ad_accounts(stub), Clock().now()):
                out.print(warning, markup=False)
        else:
            request = pb.GetAudienceRequest(audience_id=audience_id)
            audience = call(stub.GetAudience, request).audience
            of = pb.GetAdAccountRequest(ad_account_id=audience.ad_account_id)
            account = call(stub.GetAdAccount, of).ad_account
            out.print(_one(audience, token_end(account, Clock().now())))


def state_of(audience: pb.Audience) -> str:
    """The state in words, with the reason when it is blocked."""
    state = pb.Audience.State.Name(audience.state).removeprefix("STATE_").lower()
    if not audience.blocked_reason:
        return state
    reason = pb.Audience.BlockedReason.Name(audience.blocked_reason)
    return f"{state} ({reason.removeprefix('BLOCKED_REASON_').replace('_', ' ').lower()})"


def moment(time: Timestamp) -> str:
    """A time in UTC to the second; "-" when there is none."""
    return f"{time.ToDatetime():%Y-%m-%d %H:%M:%S}" if time.seconds else "-"


def short_moment(time: Timestamp) -> str:
    """A time in UTC to the second, without the year; "-" when there is none."""
    return moment(time).removeprefix(f"{time.ToDatetime():%Y}-")


def _audiences(stub: AudienceSyncServiceStub) -> Iterator[pb.Audience]:
    token = ""
    while True:
        page = call(stub.ListAudiences, pb.ListAudiencesRequest(page_token=token))
        yield from page.audiences
        token = page.next_page_token
        if not token:
            return


def _all(audiences: list[pb.Audience]) -> Table | str:
    if not audiences:
        return "no audience is connected; `audience-sync connect` connects one"
    table = Table("audience", "state", box=box.SIMPLE_HEAD)
    for name in ("members", "waiting"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("last sync (UTC)", "next sync (UTC)"):
        table.add_column(name, no_wrap=True)
    for one in audiences:
        table.add_row(
            one.audience_id,
            state_of(one),
            f"{one.member_count:,}",
            f"{one.pending_change_count:,}",
            short_moment(one.last_sync_time),
            short_moment(one.next_sync_time),
        )
    return table


def _one(audience: pb.Audience, access_token_ends: str) -> Table:
    table = Table(title=audience.audience_id, show_header=False)
    for label, text in _facts(audience, access_token_ends).items():
        table.add_row(label, escape(text))
    return table


def _facts(audience: pb.Audience, access_token_ends: str) -> dict[str, str]:
    bounds = (audience.approximate_count_lower_bound, audience.approximate_count_upper_bound)
    known = audience.HasField("approximate_count_lower_bound")
    facts = {
        "state": state_of(audience),
        "what to do": audience.blocked_message,
        "name": audience.name,
        "description": audience.description,
        "ad account": audience.ad_account_id,
        "access token ends (UTC)": access_token_ends,
        "custom audience": audience.custom_audience_id or "-",
        "members": f"{audience.member_count:,}",
        "of them unmatchable": f"{audience.unmatchable_count:,}",
        "rows waiting to be sent": f"{audience.pending_change_count:,}",
        "people by Facebook's estimate": f"{bounds[0]:,} to {bounds[1]:,}" if known else "-",
        "revision, synced": f"{audience.revision}, {audience.synced_revision}",
        "sync interval": f"{audience.sync_interval.seconds} s",
        "default region": audience.default_region,
        "last sync (UTC)": moment(audience.last_sync_time),
        "next sync (UTC)": moment(audience.next_sync_time),
    }
    return {label: text for label, text in facts.items() if text}
