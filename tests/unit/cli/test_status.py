"""What `audience-sync status` says of access tokens."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp
from typer.testing import CliRunner

from service.cli import status, token_ends
from service.cli.main import app

NOW = datetime(2026, 11, 28, 3, tzinfo=UTC)
ACCOUNTS = {
    "act_1": timedelta(days=3, hours=1),
    "act_2": timedelta(days=90),
    "act_3": None,
    "act_4": timedelta(hours=-1),
}


def account(ad_account_id: str) -> pb.AdAccount:
    made = pb.AdAccount(ad_account_id=ad_account_id)
    ends_in = ACCOUNTS[ad_account_id]
    if ends_in is not None:
        end = Timestamp()
        end.FromDatetime(NOW + ends_in)
        made.token_expire_time.CopyFrom(end)
    return made


def answer(method: str, request: object) -> object:
    match request:
        case pb.ListAudiencesRequest():
            return pb.ListAudiencesResponse(audiences=[pb.Audience(audience_id="vip")])
        case pb.GetAudienceRequest():
            audience = pb.Audience(audience_id="vip", ad_account_id=request.audience_id)
            return pb.GetAudienceResponse(audience=audience)
        case pb.GetAdAccountRequest():
            return pb.GetAdAccountResponse(ad_account=account(request.ad_account_id))
        case pb.ListAdAccountsRequest():
            token = {"": "act_1", "act_1": "act_2", "act_2": "act_3", "act_3": ""}
            asked = request.page_token or "act_4"
            page = [account(asked)]
            return pb.ListAdAccountsResponse(
                ad_accounts=page, next_page_token=token[request.page_token]
            )
    raise AssertionError(request)


@pytest.fixture(autouse=True)
def service(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def connected(server: str) -> Iterator[SimpleNamespace]:
        methods = ("ListAudiences", "GetAudience", "GetAdAccount", "ListAdAccounts")
        yield SimpleNamespace(**dict.fromkeys(methods, server))

    monkeypatch.setattr(status, "connected", connected)
    monkeypatch.setattr(status, "call", answer)
    monkeypatch.setattr(token_ends, "call", answer)
    monkeypatch.setattr(status, "Clock", lambda: SimpleNamespace(now=lambda: NOW))


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["status", *arguments], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    return done.output


def test_tokens_that_have_ended_or_will_soon_are_told_below_the_audiences() -> None:
    output = run()
    assert "vip" in output
    assert [line for line in output.splitlines() if line.startswith("access token")] == [
        "access token of act_4 ends 2026-11-28 02:00, it has ended: connect the ad account again",
        "access token of act_1 ends 2026-12-01 04:00, in 3 days: connect the ad account again",
    ]


@pytest.mark.parametrize(
    ("ad_account_id", "said"),
    [
        ("act_1", "2026-12-01 04:00, in 3 days: connect the ad account again"),
        ("act_2", "2027-02-26 03:00, in 90 days "),
        ("act_3", "does not expire"),
    ],
)
def test_of_one_audience_the_end_of_its_accounts_token_is_told(
    ad_account_id: str, said: str
) -> None:
    (line,) = [line for line in run(ad_account_id).splitlines() if "access token ends" in line]
    assert said in line
