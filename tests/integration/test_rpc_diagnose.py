"""Diagnosing: what is looked at, page by page, and that Facebook is asked with care."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import grpc
import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub
from audiencesync.v1.finding_code_pb2 import FindingCode

from service.clock import Clock
from service.diagnosis.findings import Code
from service.store.sealing import Keyring
from tests.integration.rpc_refusals import refusal
from tests.integration.rpc_world import SEALING_KEYS, TOKEN, RpcWorld, running_rpc, running_server
from tests.unit.rpc.builders import an_add, an_update

OTHER_KEYS = "k2:" + "A" * 43 + "="
OF_THE_TESTS_POSTGRES = "COMMITS_NOT_DURABLE"


@pytest.fixture
async def rpc(database_url: str) -> AsyncIterator[RpcWorld]:
    async with running_rpc(database_url) as world:
        yield world


def code_of(finding: pb.Finding) -> str:
    return FindingCode.Name(finding.code).removeprefix("FINDING_CODE_")


async def diagnosed(rpc: RpcWorld, **fields: object) -> list[pb.Finding]:
    """The findings of all pages, without what is so of every test."""
    found: list[pb.Finding] = []
    token = ""
    while True:
        request = pb.DiagnoseRequest(**{**fields, "page_token": token})  # type: ignore[arg-type]
        page = await rpc.stub.Diagnose(request)
        found += page.findings
        token = page.next_page_token
        if not token:
            return [one for one in found if code_of(one) != OF_THE_TESTS_POSTGRES]


async def codes(rpc: RpcWorld, **fields: object) -> set[tuple[str, str, str]]:
    found = await diagnosed(rpc, **fields)
    return {(code_of(one), one.ad_account_id, one.audience_id) for one in found}


async def execute(rpc: RpcWorld, sql: str, *values: object) -> None:
    async with rpc.api.connection() as connection:
        await connection.execute(sql, *values)


def test_the_codes_of_judges_and_contract_are_the_same() -> None:
    names = {name.removeprefix("FINDING_CODE_") for name in FindingCode.keys()}  # noqa: SIM118
    assert names == {*Code, "UNSPECIFIED"}


async def test_facebook_is_asked_twice_about_an_account_or_not_at_all(rpc: RpcWorld) -> None:
    await rpc.connect_account()
    rpc.graph.paths.clear()
    assert await diagnosed(rpc, stored_only=True) == []
    assert rpc.graph.paths == []
    assert await diagnosed(rpc) == []
    assert rpc.graph.paths == ["/v26.0/debug_token", "/v26.0/act_1"]


async def test_all_that_facebook_says_of_an_account_is_judged_at_once(rpc: RpcWorld) -> None:
    await rpc.connect_account()
    rpc.graph.token["scopes"] = ["ads_read"]
    rpc.graph.account["account_status"] = 3
    rpc.graph.account["tos_accepted"] = {}
    assert {code for code, *_ in await codes(rpc)} == {
        "SCOPE_MISSING",
        "TERMS_NOT_ACCEPTED",
        "AD_ACCOUNT_IN_TROUBLE",
    }


async def test_one_audience_is_judged_with_its_account_only(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience("mine")
    await rpc.connect_active_audience("other")
    await rpc.connect_account("act_2")
    await execute(rpc, "update ad_account set blocked_reason = 'POLICY'")
    blocked, empty = "AD_ACCOUNT_BLOCKED", "AUDIENCE_EMPTY"
    mine, its_account = (empty, "act_1", "mine"), (blocked, "act_1", "")
    assert await codes(rpc, audience_id="mine") == {mine, its_account}
    of_account = {mine, its_account, (empty, "act_1", "other")}
    assert await codes(rpc, ad_account_id="act_1") == of_account
    assert await codes(rpc) == {*of_account, (blocked, "act_2", "")}


async def test_facebook_is_asked_about_an_audience_that_is_named(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience("mine")
    rpc.graph.custom_audience = {"delivery_status": {"code": 300, "description": "Too small"}}
    rpc.graph.paths.clear()
    assert ("DELIVERY_STATUS_ODD", "act_1", "mine") in await codes(rpc, audience_id="mine")
    assert rpc.graph.paths == ["/v26.0/debug_token", "/v26.0/act_1", "/v26.0/9001"]
    rpc.graph.paths.clear()
    rpc.graph.account["tos_accepted"] = {}
    assert ("TERMS_NOT_ACCEPTED", "act_1", "") in await codes(rpc, audience_id="mine")
    assert rpc.graph.paths == ["/v26.0/debug_token", "/v26.0/act_1"]


async def test_pages_together_tell_what_one_page_tells(rpc: RpcWorld) -> None:
    for name in ("a", "b", "c"):
        await rpc.connect_active_audience(name)
    await execute(
        rpc,
        "insert into ad_account (ad_account_id, name, app_id, sealed_access_token, scopes)"
        " select 'act_' || n, '', '', '', '{}' from generate_series(100, 120) as n",
    )
    first = await rpc.stub.Diagnose(pb.DiagnoseRequest(stored_only=True, page_size=2))
    assert len({one.ad_account_id for one in first.findings if one.ad_account_id}) == 19
    found = await codes(rpc, stored_only=True, page_size=2)
    damaged = {("SEALED_TOKEN_DAMAGED", f"act_{n}", "") for n in range(100, 121)}
    assert found == damaged | {("AUDIENCE_EMPTY", "act_1", name) for name in "abc"}


async def test_a_page_token_is_for_the_same_question_only(rpc: RpcWorld) -> None:
    for name in ("a", "b"):
        await rpc.connect_active_audience(name)
    page = await rpc.stub.Diagnose(pb.DiagnoseRequest(stored_only=True, page_size=1))
    request = pb.DiagnoseRequest(ad_account_id="act_1", page_token=page.next_page_token)
    told = await refusal(rpc.stub.Diagnose(request))
    assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")


@pytest.mark.parametrize(
    ("request_", "code", "reason"),
    [
        (
            pb.DiagnoseRequest(audience_id="nobody"),
            grpc.StatusCode.NOT_FOUND,
            "AUDIENCE_NOT_FOUND",
        ),
        (
            pb.DiagnoseRequest(ad_account_id="act_9"),
            grpc.StatusCode.NOT_FOUND,
            "AD_ACCOUNT_NOT_CONNECTED",
        ),
    ],
    ids=["audience", "ad account"],
)
async def test_what_is_not_there_is_refused(
    rpc: RpcWorld, request_: pb.DiagnoseRequest, code: grpc.StatusCode, reason: str
) -> None:
    told = await refusal(rpc.stub.Diagnose(request_))
    assert (told.code, told.reason) == (code, reason)


async def test_a_limit_that_is_met_is_told_to_all_replicas_and_then_heeded(rpc: RpcWorld) -> None:
    await rpc.connect_account()
    rpc.graph.fail_account(80003)
    assert await codes(rpc) == {("AD_ACCOUNT_THROTTLED", "act_1", "")}
    account = (
        await rpc.stub.GetAdAccount(pb.GetAdAccountRequest(ad_account_id="act_1"))
    ).ad_account
    assert account.HasField("throttled_until_time")
    rpc.graph.paths.clear()
    assert await codes(rpc) == {("AD_ACCOUNT_THROTTLED", "act_1", "")}
    assert rpc.graph.paths == []


async def test_an_account_with_its_budget_used_up_is_not_asked_about(rpc: RpcWorld) -> None:
    await rpc.connect_account()
    await execute(
        rpc,
        "insert into account_pace (ad_account_id, version, allowance, usage_percent, usage_at, cut_at,"
        " holders, wanted, places, seen_at)"
        " values ('act_1', 1, 8, 96, extract(epoch from now()), 0, '{}', '{}', '{}', '{}')",
    )
    rpc.graph.paths.clear()
    assert await codes(rpc) == {("BUDGET_NEARLY_USED", "act_1", "")}
    assert rpc.graph.paths == []
    await execute(rpc, "update account_pace set usage_at = usage_at - 3601")
    assert await codes(rpc) == set()


async def test_a_dead_token_is_told_and_nothing_more_is_asked(rpc: RpcWorld) -> None:
    await rpc.connect_account()
    rpc.graph.token = {"is_valid": False, "error": {"code": 190, "subcode": 463, "message": "Old."}}
    rpc.graph.paths.clear()
    assert await codes(rpc) == {("TOKEN_INVALID", "act_1", "")}
    assert rpc.graph.paths == ["/v26.0/debug_token"]


@pytest.mark.timeout(20)
async def test_a_silent_facebook_does_not_use_up_the_callers_time(rpc: RpcWorld) -> None:
    await rpc.connect_account()
    rpc.graph.silence = asyncio.Event()
    try:
        answer = await rpc.stub.Diagnose(pb.DiagnoseRequest(), timeout=2)
    finally:
        rpc.graph.silence.set()
    assert "AD_ACCOUNT_UNCHECKED" in map(code_of, answer.findings)


async def test_a_missing_key_is_told_by_account_and_a_useless_one_once(rpc: RpcWorld) -> None:
    await rpc.connect_account()
    api = replace(rpc.api, keyring=Keyring.from_text(f"{OTHER_KEYS},k3:{'B' * 43}="))
    async with running_server(api) as (_, channel):
        rpc.stub = AudienceSyncServiceStub(channel)
        assert await codes(rpc) == {
            ("SEALING_KEY_MISSING", "act_1", ""),
            ("SEALING_KEY_UNUSED", "", ""),
        }
    api = replace(rpc.api, keyring=Keyring.from_text(f"{OTHER_KEYS},{SEALING_KEYS}"))
    async with running_server(api) as (_, channel):
        rpc.stub = AudienceSyncServiceStub(channel)
        assert await codes(rpc) == {("SEALED_WITH_OLD_KEY", "", "")}


class SlowClock(Clock):
    """Ten minutes behind."""

    def now(self) -> datetime:
        return super().now() - timedelta(minutes=10)


async def test_a_clock_that_is_off_differs_from_postgres_and_from_facebook(rpc: RpcWorld) -> None:
    await rpc.connect_account()
    async with running_server(replace(rpc.api, clock=SlowClock())) as (_, channel):
        rpc.stub = AudienceSyncServiceStub(channel)
        found = await diagnosed(rpc)
    assert {(code_of(one), one.evidence["whose"]) for one in found} == {
        ("CLOCKS_APART", "Postgres"),
        ("CLOCKS_APART", "Facebook"),
    }


async def test_a_schema_of_another_program_is_told(rpc: RpcWorld) -> None:
    await execute(
        rpc,
        "insert into schema_migration (version, name, checksum)"
        " select max(version) + 1, 'newer', '' from schema_migration",
    )
    assert await codes(rpc) == {("MIGRATIONS_AHEAD", "", "")}
    await execute(rpc, "delete from schema_migration where name = 'newer'")
    await execute(
        rpc,
        "delete from schema_migration where version = (select max(version) from schema_migration)",
    )
    assert await codes(rpc) == {("MIGRATIONS_BEHIND", "", "")}
    await execute(rpc, "update schema_migration set checksum = '' where version = 3")
    (finding,) = await diagnosed(rpc)
    assert (code_of(finding), finding.evidence["migration"]) == ("MIGRATIONS_DIFFERENT", "3")


async def test_no_answer_holds_the_token(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience()
    rpc.graph.fail_account(10)
    answer = await rpc.stub.Diagnose(pb.DiagnoseRequest())
    assert b"act_1" in answer.SerializeToString()
    assert TOKEN.encode() not in answer.SerializeToString()


async def test_what_callers_send_in_vain_is_judged_beside_what_is_kept(rpc: RpcWorld) -> None:
    await rpc.connect_active_audience("shoppers")
    sent = [
        an_add(f"m{n}", emails=[f"m{n}@mail.example"], phones=["12 34"], first_name=f"m{'a' * n}")
        for n in range(120)
    ]
    shared = [an_add(f"s{n}", emails=["none@mail.example"]) for n in range(12)]
    hashed = [an_add("h", emails=[hashlib.sha256(b"null").hexdigest()])]
    await rpc.stub.UpdateMembership(an_update(*sent, *shared, *hashed))
    assert await codes(rpc, audience_id="shoppers") == {
        ("PHONES_DROPPED", "act_1", "shoppers"),
        ("IDENTIFIER_SHARED", "act_1", "shoppers"),
        ("HASH_OF_NOTHING", "act_1", "shoppers"),
    }
