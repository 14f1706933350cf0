"""Known tokens, app secrets and sealing keys are planted, and everything that anybody can see is searched."""

import base64
import io
import traceback
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
import structlog
from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub

from service.clock import Clock
from service.settings import Settings, SettingsError
from service.settings_table import settings_table
from service.store import ad_accounts
from service.store.ad_account_secrets import AdAccountSecrets
from service.store.connection import Connection
from service.store.key_rotation import SecretsUnopened, rotate_keys
from service.store.sealing import Keyring, SealingError
from service.telemetry import configure_logging
from tests.e2e.test_privacy import everything_stored
from tests.integration.rpc_refusals import refusal
from tests.integration.rpc_world import RpcWorld, running_rpc, running_server

pytestmark = pytest.mark.timeout(30)

TOKEN = "plantedtokenwithoutashape7f3a"
"""Does not look like one: only who knows it is a token keeps it back."""
SECRET = "planted.app.secret.91c4"
KEYS = tuple(f"{name}:{base64.b64encode(name.encode() * 8).decode()}" for name in ("kone", "ktwo"))
PLANTED = (TOKEN, SECRET, *(key.partition(":")[2] for key in KEYS), *("kone" * 8, "ktwo" * 8))
ACCOUNT = {"ad_account_id": "act_1", "access_token": TOKEN, "app_id": "555", "app_secret": SECRET}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, down to the last detail."""
    stream = io.StringIO()
    configure_logging(level="debug", log_format="json", stream=stream)
    yield stream
    structlog.reset_defaults()


@pytest.fixture
async def rpc(database_url: str, log: io.StringIO) -> AsyncIterator[RpcWorld]:
    async with running_rpc(database_url) as world:
        keyring = Keyring.from_text(KEYS[0])
        async with running_server(replace(world.api, keyring=keyring)) as (server, channel):
            world.server, world.stub = server, AudienceSyncServiceStub(channel)
            yield world


def shown_in(text: str) -> list[str]:
    return [planted for planted in PLANTED if planted in text]


async def test_nothing_is_shown_by_calls_that_pass_or_are_refused_or_break(
    rpc: RpcWorld, database_url: str, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = pb.ConnectAdAccountRequest(**ACCOUNT)
    seen = [str(await rpc.stub.ConnectAdAccount(request))]
    listed = pb.ListAdAccountsRequest(), pb.ListAuditEventsRequest()
    seen.append(str(await rpc.stub.ListAdAccounts(listed[0])))
    seen.append(str(await rpc.stub.ListAuditEvents(listed[1])))
    rpc.graph.token.update(is_valid=False, error={"code": 190, "message": f"bad {TOKEN} {SECRET}"})
    seen.append((await refusal(rpc.stub.ConnectAdAccount(request))).whole)
    rpc.graph.token.update(is_valid=True)

    async def break_down(*_: object, **values: object) -> None:
        raise RuntimeError(f"a defect that quotes {request} and {values}")

    monkeypatch.setattr("service.rpc.ad_accounts.store.put_ad_account", break_down)
    seen.append((await refusal(rpc.stub.ConnectAdAccount(request))).whole)
    wrong = pb.ConnectAdAccountRequest(**{**ACCOUNT, "access_token": f"{TOKEN} ", "app_id": ""})
    seen.append((await refusal(rpc.stub.ConnectAdAccount(wrong))).whole)

    assert log.getvalue().count('"method":"ConnectAdAccount"') == 5, "four calls and a defect"
    assert shown_in(log.getvalue()) == []
    assert shown_in("\n".join(seen)) == []
    assert shown_in(await everything_stored(database_url)) == []


async def test_nothing_is_shown_by_secrets_that_cannot_be_opened(rpc: RpcWorld) -> None:
    await rpc.stub.ConnectAdAccount(pb.ConnectAdAccountRequest(**ACCOUNT))
    async with rpc.api.connection() as connection:
        told = await unopened(connection)
        account = await ad_accounts.find_ad_account(connection, "act_1")
        assert account is not None
        told += repr(account)
        other = replace(account, ad_account_id="act_2")
        with pytest.raises(SealingError) as caught:
            AdAccountSecrets.opened(Keyring.from_text(KEYS[0]), other)
    told += "".join(traceback.format_exception(caught.value))
    assert "'kone'" in told, "the key is named"
    assert shown_in(told) == []


async def unopened(connection: Connection) -> str:
    keyring = Keyring.from_text(KEYS[1])
    with pytest.raises(SecretsUnopened) as caught:
        await rotate_keys(
            connection, keyring, leaves_unopened=False, clock=Clock(), system_user="root"
        )
    return "".join(traceback.format_exception(caught.value))


def test_nothing_is_shown_by_what_holds_a_secret() -> None:
    secrets = AdAccountSecrets(access_token=TOKEN, app_secret=SECRET)
    keyring = Keyring.from_text(",".join(KEYS))
    sealed = secrets.sealed(keyring, "act_1")
    assert shown_in(f"{secrets!r} {keyring!r} {sealed!r}") == []


def test_nothing_is_shown_by_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIENCE_SYNC_SEALING_KEYS", ",".join(KEYS))
    settings = Settings.from_environment()
    assert settings.sealing_keys is not None
    told = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert shown_in(told + settings_table()) == []
    for wrong in (f"{KEYS[0]},{KEYS[0]}", f"{KEYS[0]}=", KEYS[0].partition(":")[2]):
        monkeypatch.setenv("AUDIENCE_SYNC_SEALING_KEYS", wrong)
        with pytest.raises(SettingsError) as caught:
            Settings.from_environment()
        assert shown_in("".join(traceback.format_exception(caught.value))) == []
