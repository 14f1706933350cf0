"""The life of a sealing key: in use, lost, given back, replaced while the service runs, dropped."""

import base64
import threading

import pytest
from audiencesync.v1 import audience_sync_pb2 as pb

from service.cli.client import call
from tests.e2e.conftest import AUDIENCE_ID, LOOK_S, SEALING_KEYS, Stack, run_command

pytestmark = [pytest.mark.calm, pytest.mark.timeout(55)]

NEW_KEY = "k2:" + base64.b64encode(bytes(range(32, 64))).decode()
BOTH = f"{NEW_KEY},{SEALING_KEYS}"


def audience_when(stack: Stack, state: pb.Audience.State.ValueType) -> pb.Audience:
    """The audience once it has got there; the test's time-out bounds it."""
    look = pb.GetAudienceRequest(audience_id=AUDIENCE_ID)
    while (found := call(stack.service.stub.GetAudience, look).audience).state != state:
        threading.Event().wait(LOOK_S)
    return found


def test_a_lost_key_stops_its_account_and_a_new_one_takes_over_while_the_service_runs(
    stack: Stack,
) -> None:
    stack.connect()
    stack.service.process.stop()
    stack.start_service(SEALING_KEYS=NEW_KEY)
    call(stack.service.stub.SyncNow, pb.SyncNowRequest(audience_id=AUDIENCE_ID))
    blocked = audience_when(stack, pb.Audience.STATE_BLOCKED)
    assert blocked.blocked_reason == pb.Audience.BLOCKED_REASON_SEALING_KEY_MISSING
    assert "'k1'" in blocked.blocked_message

    stack.service.process.stop()
    stack.start_service(SEALING_KEYS=BOTH)
    audience_when(stack, pb.Audience.STATE_ACTIVE)
    environment = {
        "AUDIENCE_SYNC_DATABASE_URL": stack.database_url,
        "AUDIENCE_SYNC_SEALING_KEYS": BOTH,
    }
    done = run_command("rotate-keys", environment=environment)
    assert done.stdout == "1 ad accounts sealed anew under key k2, 0 were already\n", done.stderr
    assert stack.sync().state == pb.Sync.STATE_SUCCEEDED

    stack.service.process.stop()
    stack.start_service(SEALING_KEYS=NEW_KEY)
    assert stack.sync().state == pb.Sync.STATE_SUCCEEDED
    told = run_command("audit", "--server", stack.service.server)
    assert "rotate keys" in told.stdout, told.stderr
    assert "connect audience" in told.stdout
    everything = stack.logs() + done.stdout + told.stdout
    assert "secrets of an ad account cannot be opened" in everything
    for key in (NEW_KEY, SEALING_KEYS):
        assert key.partition(":")[2] not in everything
