"""What operators are told over HTTP by real processes: metrics, liveness, readiness."""

import asyncio
import json
import os
import signal
import threading
from urllib.parse import parse_qs, urlsplit

import grpc
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb

from service.cli.client import call
from service.cli.demo_processes import start_service
from service.embedded import EmbeddedPostgres
from tests.chaos.proxy import Proxy, Streams
from tests.e2e.conftest import AD_ACCOUNT_ID, AUDIENCE_ID, Stack
from tests.e2e.scrapes import Scrape, get, scrape, wait_for
from tests.e2e.test_privacy import SECRETS, planted
from tests.e2e.test_processes import children, wait_for_children

pytestmark = [pytest.mark.calm, pytest.mark.timeout(50)]

SAMPLE_S = 1.2
"""Seconds after which a scrape is made anew."""


def add(stack: Stack, *members: pb.Member) -> None:
    changes = [pb.Change(operation=pb.Change.OPERATION_ADD, member=one) for one in members]
    request = pb.UpdateMembershipRequest(audience_id=AUDIENCE_ID, changes=changes)
    call(stack.service.stub.UpdateMembership, request)


def somebody(number: int) -> pb.Member:
    return pb.Member(member_id=f"m{number}", emails=[f"m{number}@mail.example"])


def rpc_count(seen: Scrape, method: str, code: str) -> float | None:
    return seen.value("audience_sync_rpc_calls_total", method=method, code=code)


def test_a_scrape_tells_the_life_of_an_audience(stack: Stack) -> None:
    stack.connect()
    add(stack, somebody(1), somebody(2))
    with pytest.raises(grpc.RpcError):
        stack.service.stub.GetAudience(pb.GetAudienceRequest(audience_id="nobody"))
    behind = scrape(stack.service.metrics)
    of_audience = {"audience_id": AUDIENCE_ID, "state": "ACTIVE"}
    assert behind.value("audience_sync_pending_rows", **of_audience) == 2
    assert (behind.value("audience_sync_oldest_unsent_seconds", **of_audience) or 0) > 0
    assert (behind.value("audience_sync_intervals_behind", **of_audience) or 0) > 0

    assert stack.sync().state == pb.Sync.STATE_SUCCEEDED
    threading.Event().wait(SAMPLE_S)
    seen = scrape(stack.service.metrics)
    assert seen.value("audience_sync_pending_rows", **of_audience) == 0
    assert seen.value("audience_sync_oldest_unsent_seconds", **of_audience) == 0
    assert seen.value("audience_sync_audiences", state="ACTIVE") == 1
    assert seen.value("audience_sync_audiences", state="BLOCKED") == 0
    rows = {"audience_id": AUDIENCE_ID, "operation": "add", "outcome": "accepted"}
    assert seen.value("audience_sync_rows_total", **rows) == 2
    calls = {"endpoint": "add_users", "outcome": "OK"}
    assert seen.value("audience_sync_graph_calls_total", **calls) == 1
    timed = seen.value("audience_sync_graph_call_duration_seconds_count", endpoint="add_users")
    assert timed == 1
    assert rpc_count(seen, "UpdateMembership", "OK") == 1
    assert rpc_count(seen, "GetAudience", "NOT_FOUND") == 1
    of_update = {"method": "UpdateMembership"}
    assert seen.value("audience_sync_rpc_duration_seconds_count", **of_update) == 1
    account = {"ad_account_id": AD_ACCOUNT_ID}
    assert seen.value("audience_sync_ad_account_usage_percent", **account) is not None
    assert seen.value("audience_sync_ad_account_throttled_left_seconds", **account) == 0
    assert seen.value("audience_sync_ad_accounts_blocked", **account) == 0
    assert (seen.value("audience_sync_pool_connections", pool="calls") or 0) >= 1
    assert seen.value("audience_sync_pool_connections_max", pool="calls") == 16
    assert (seen.value("audience_sync_loop_longest_turn_seconds_count") or 0) >= 1
    assert seen.value("audience_sync_ready") == seen.value("audience_sync_database_up") == 1
    assert (seen.value("process_resident_memory_bytes") or 0) > 10_000_000


def test_no_identifier_and_no_token_is_in_the_metrics(stack: Stack) -> None:
    stack.connect()
    add(stack, planted())
    stack.sync()
    text = scrape(stack.service.metrics).text.lower()
    assert "add_users" in text
    assert [secret for secret in SECRETS if secret.lower() in text] == []


def test_every_call_leaves_one_line_with_all_that_an_operator_needs(stack: Stack) -> None:
    stack.connect()
    add(stack, somebody(1))
    stack.sync()
    lines = [json.loads(line) for line in stack.logs().splitlines() if line.startswith("{")]
    (sent,) = [line for line in lines if line.get("endpoint") == "add_users"]
    assert sent["event"] == "graph call"
    assert (sent["audience_id"], sent["ad_account_id"]) == (AUDIENCE_ID, AD_ACCOUNT_ID)
    assert (sent["verdict"], sent["http_status"], sent["rows"]) == ("OK", 200, 1)
    assert sent["facebook_trace_id"]
    assert sent["usage_percent"] is not None
    assert sent["duration_ms"] > 0
    calls = {line["method"]: line for line in lines if line["event"] == "rpc"}
    connect = calls["ConnectAudience"]
    assert (connect["audience_id"], connect["ad_account_id"]) == (AUDIENCE_ID, AD_ACCOUNT_ID)
    assert (connect["code"], connect["peer"][:4]) == ("OK", "ipv4")
    assert connect["duration_ms"] > 0


def test_a_live_and_ready_service_says_so_and_nothing_else_is_there(shared_stack: Stack) -> None:
    address = shared_stack.service.metrics
    assert get(address, "/healthz") == (200, "ok\n")
    assert get(address, "/readyz") == (200, "ok\n")
    assert get(address, "/")[0] == 404


def test_a_taken_port_is_one_line(shared_stack: Stack, tmp_path: object) -> None:
    taken = shared_stack.service.metrics
    with pytest.raises(Exception, match=f"METRICS_LISTEN: cannot listen on {taken}"):
        shared_stack.start_service(METRICS_LISTEN=taken)


def test_without_the_port_the_service_runs(bare_stack: Stack) -> None:
    log_file = bare_stack.folder / "quiet.log"
    settings = {"METRICS_LISTEN": "off", "LISTEN": "127.0.0.1:0"}
    settings |= {"DATA_DIR": str(bare_stack.folder / "data")}
    settings |= {"DATABASE_URL": bare_stack.database_url, "SEALING_KEYS": "k1:" + "A" * 43 + "="}
    with start_service(log_file, settings) as process:
        assert process.wait_ready().keys() == {"grpc"}


def test_processes_are_told_apart_and_one_that_died_comes_back(bare_stack: Stack) -> None:
    token = "0123456789abcdef"
    service = bare_stack.start_processes(2, METRICS_TOKEN=token)
    bare_stack.connect()
    for number in range(4):
        add(bare_stack, somebody(number))
    assert get(service.metrics, "/metrics")[0] == 401
    seen = scrape(service.metrics, token)
    assert seen.labels("audience_sync_ready", "process") == {"0", "1", "keeper"}
    assert seen.value("audience_sync_process_up") == 2
    assert rpc_count(seen, "UpdateMembership", "OK") == 4
    assert seen.value("audience_sync_audiences", state="ACTIVE") == 1, "told once, not by each"
    assert get(service.metrics, "/healthz") == (200, "ok\n")

    first, second = children(service)
    os.kill(second, signal.SIGSTOP)
    stopped = wait_for(service.metrics, "/healthz", 503)
    assert stopped == "process 1 does not answer\n"
    assert scrape(service.metrics, token).value("audience_sync_process_up", process="1") == 0
    os.kill(second, signal.SIGKILL)
    assert first in wait_for_children(service, 2, without=second)
    wait_for(service.metrics, "/healthz", 200)
    assert get(service.metrics, "/readyz") == (200, "ok\n")


def proxy_to(database_url: str, postgres: EmbeddedPostgres) -> Proxy:
    """In front of the session's Postgres, which listens on a socket in a folder."""
    address = urlsplit(database_url)
    folder = parse_qs(address.query)["host"][0]

    async def dial() -> Streams:
        return await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{address.port or 5432}")

    return Proxy(dial)


def test_while_postgres_is_away_a_scrape_says_so_and_the_service_lives(
    bare_stack: Stack, postgres: EmbeddedPostgres
) -> None:
    with proxy_to(bare_stack.database_url, postgres) as proxy:
        name = urlsplit(bare_stack.database_url).path
        url = f"postgresql://postgres@{proxy.address}{name}"
        service = bare_stack.start_service(DATABASE_URL=url)
        bare_stack.connect()
        assert scrape(service.metrics).value("audience_sync_database_up") == 1
        proxy.refuse()
        assert wait_for(service.metrics, "/readyz", 503) == "the database does not answer\n"
        away = scrape(service.metrics)
        assert away.value("audience_sync_database_up") == 0
        assert away.value("audience_sync_audiences") is None, "nothing old is told for new"
        assert rpc_count(away, "ConnectAudience", "OK") == 1
        assert get(service.metrics, "/healthz") == (200, "ok\n")
        proxy.accept()
        wait_for(service.metrics, "/readyz", 200)
        assert scrape(service.metrics).value("audience_sync_audiences", state="ACTIVE") == 1


def test_a_draining_service_is_not_ready(stack: Stack) -> None:
    stub = stack.service.stub
    stack.connect()
    slow = {"name": "slow", "match": {"operation": "add"}, "effect": {"delay_ms": 2_000}}
    stack.admin.put("faults", [slow])  # so that a drain waits for the call
    add(stack, somebody(1))
    begun = call(stub.SyncNow, pb.SyncNowRequest(audience_id=AUDIENCE_ID)).sync
    _until_running(stack, begun)
    stack.service.process.process.send_signal(signal.SIGTERM)
    assert wait_for(stack.service.metrics, "/readyz", 503) == "draining\n"


def _until_running(stack: Stack, begun: pb.Sync) -> None:
    for message in stack.service.stub.WatchSync(pb.WatchSyncRequest(sync_id=begun.sync_id)):
        if message.sync.state == pb.Sync.STATE_RUNNING:
            return
