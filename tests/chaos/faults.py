"""The faults: each begins, lasts a moment, and is over when its function returns."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb

from tests.chaos.callers import AUDIENCES
from tests.chaos.processes import CALL_TIMEOUT_S, LEASE_S, RECHECK_S, Replica
from tests.chaos.scene import LOOK_S, Scene

MOMENT_S_MAX: Final = 0.5
"""Seconds that something is down at most before it is brought back."""
OUTAGE_S: Final = 2.5 * CALL_TIMEOUT_S
FAULT_CALLS_MAX: Final = 3
"""Calls that one fault of Facebook hits at most."""
FIRES_S_MAX: Final = 15.0
"""Seconds that a fault of Facebook waits for a call that it hits."""
BLOCKED_S_MAX: Final = 20.0
"""Seconds until a refused token has blocked the audience."""
FULL_DISK_S: Final = 2.0
LATE_MS: Final = int(RECHECK_S * 1_000 * 0.8)
"""Milliseconds: after the quiet that follows an unknown outcome, and before its rows go once more."""


@dataclass(frozen=True)
class Fault:
    """A kind of fault, by its name in the table."""

    name: str
    play: Callable[[Scene], bool | None]
    """False: nothing came along that it could have hit."""
    is_slow: bool = False
    """It takes a minute or more to get over: Facebook tells its waits in minutes."""
    needs_small_disk: bool = False

    @property
    def place(self) -> str:
        """Faults of different places can go on at once."""
        return self.name.partition(":")[0].removeprefix("both ").removesuffix("s")


def _rest(scene: Scene, most_s: float = MOMENT_S_MAX) -> None:
    threading.Event().wait(scene.chance.uniform(0, most_s))


def _some(scene: Scene) -> Replica:
    return scene.chance.choice(scene.house.replicas)


def kill_replica(scene: Scene) -> None:
    replica = _some(scene)
    replica.kill()
    _rest(scene)
    replica.start()


def kill_both_replicas(scene: Scene) -> None:
    for replica in scene.house.replicas:
        replica.kill()
    for replica in scene.house.replicas:
        replica.start()


def restart_replica(scene: Scene) -> None:
    """As a rollout does: SIGTERM, drain, start."""
    replica = _some(scene)
    status = replica.stop()
    if status != 0:
        scene.line.findings.append(f"{replica.name} ended with status {status} on SIGTERM")
    replica.start()


def stop_replica(scene: Scene) -> None:
    """It stands still for longer than its lease, and goes on as if nothing had been."""
    replica = _some(scene)
    replica.signal(signal.SIGSTOP)
    threading.Event().wait(LEASE_S * scene.chance.uniform(1.2, 2.0))
    replica.signal(signal.SIGCONT)


def kill_postgres(scene: Scene) -> None:
    scene.house.postgres.signal_postmaster(signal.SIGKILL)
    _rest(scene)
    scene.house.postgres.start()


def quit_postgres(scene: Scene) -> None:
    scene.house.postgres.signal_postmaster(signal.SIGQUIT)
    _rest(scene)
    scene.house.postgres.start()


def kill_backend(scene: Scene) -> None:
    scene.house.postgres.kill_backend()


def cut_postgres(scene: Scene) -> None:
    for _ in range(scene.chance.randint(1, 5)):
        _some(scene).postgres.cut()
        _rest(scene, 0.2)


def lose_commits(scene: Scene) -> None:
    """Postgres does what it is asked, and the replica never hears of it."""
    proxy = _some(scene).postgres
    proxy.lose_answers(lose=True)
    _rest(scene)
    proxy.cut()
    proxy.lose_answers(lose=False)
    proxy.cut()


def hold_up_postgres(scene: Scene) -> None:
    """Nothing passes for longer than a lease, then everything at once."""
    proxy = _some(scene).postgres
    proxy.hold_up()
    threading.Event().wait(LEASE_S * scene.chance.uniform(1.0, 1.5))
    proxy.let_pass()


def fill_disk(scene: Scene) -> None:
    postgres = scene.house.postgres
    with postgres.full_disk():
        threading.Event().wait(FULL_DISK_S)
    postgres.start()  # it gives up when it cannot even write its log; else nothing happens


def facebook_down(scene: Scene) -> None:
    scene.house.facebook.refuse()
    threading.Event().wait(OUTAGE_S * scene.chance.uniform(0.3, 1.0))
    scene.house.facebook.accept()


def cut_facebook(scene: Scene) -> None:
    for _ in range(scene.chance.randint(2, 8)):
        scene.house.facebook.cut()
        _rest(scene, 0.2)


def expire_token(scene: Scene) -> None:
    """Until the audience is blocked; then somebody brings a new token."""
    audience = scene.chance.choice(AUDIENCES)
    past = {"expires_at": int(time.time()) - 60}
    scene.house.fake.admin("PATCH", f"/admin/tokens/{scene.tokens[audience]}", past)
    deadline = time.monotonic() + BLOCKED_S_MAX
    while scene.state(audience).state != pb.Audience.STATE_BLOCKED:
        if time.monotonic() > deadline:
            scene.line.findings.append(f"{audience} is not blocked although its token expired")
            break
        scene.sync(audience)
        threading.Event().wait(LOOK_S)
    scene.renew_token(audience)


def _facebook(effect: dict[str, object]) -> Callable[[Scene], bool]:
    """Some uploads meet `effect`; over when they did."""

    def play(scene: Scene) -> bool:
        times = scene.chance.randint(1, FAULT_CALLS_MAX)
        match = {"path": "/users$", "times": times}
        with _armed(scene, [{"name": "chaos", "match": match, "effect": effect}]):
            return _has_fired(scene, times)

    return play


def throttle(scene: Scene) -> bool:
    """Facebook refuses the calls of one account; the service then waits a minute by itself."""
    audience = scene.chance.choice(AUDIENCES)
    match = {"path": "/users$", "custom_audience_id": scene.custom_audiences[audience], "times": 1}
    effect = {"graph_error": {"code": 80003, "subcode": 2446079, "message": "Too many calls"}}
    with _armed(scene, [{"name": "chaos", "match": match, "effect": effect}]):
        return _has_fired(scene, 1)


@contextmanager
def _armed(scene: Scene, rules: list[dict[str, object]]) -> Iterator[None]:
    scene.house.fake.arm_all(rules)
    try:
        yield
    finally:
        scene.house.fake.arm_all([])


def _has_fired(scene: Scene, times: int) -> bool:
    """Wait until it has hit so many calls, or for FIRES_S_MAX; whether it hit any."""
    deadline = time.monotonic() + FIRES_S_MAX
    while (fired := scene.house.fake.faults()[0]["fired"]) < times:
        if time.monotonic() > deadline:
            break
        threading.Event().wait(LOOK_S)
    return bool(fired)


FAULTS: Final = (
    Fault("replica: kill -9", kill_replica),
    Fault("both replicas: kill -9", kill_both_replicas),
    Fault("replica: SIGTERM", restart_replica),
    Fault("replica: SIGSTOP > lease", stop_replica),
    Fault("postgres: kill -9", kill_postgres),
    Fault("postgres: immediate stop", quit_postgres),
    Fault("postgres: backend kill -9", kill_backend),
    Fault("postgres: connections cut", cut_postgres),
    Fault("postgres: answers lost", lose_commits),
    Fault("postgres: held up > lease", hold_up_postgres),
    Fault("postgres: disk full", fill_disk, needs_small_disk=True),
    Fault("facebook: down", facebook_down),
    Fault("facebook: connections cut", cut_facebook),
    Fault("facebook: answer lost", _facebook({"lost_answer": True})),
    Fault("facebook: reset after", _facebook({"reset": "after"})),
    Fault("facebook: lands late", _facebook({"reset_apply_late_ms": LATE_MS})),
    Fault("facebook: half a body", _facebook({"truncate_body": True})),
    Fault("facebook: token expired", expire_token),
    Fault("facebook: throttled", throttle, is_slow=True),
)
