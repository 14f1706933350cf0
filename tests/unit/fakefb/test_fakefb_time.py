"""Time and turning back: a clock that stands, and snapshots of everything but the journal."""

import pytest

from fakefb.clock import Clock
from fakefb.snapshots import REMEMBERED, SNAPSHOTS_MAX
from fakefb.state import FakeState
from tests.unit.fakefb.client import ACCOUNT, FakeClient, sha

ANN = {"person_id": "ann", "emails": ["ann@example.com"]}
BEN = {"person_id": "ben", "emails": ["ben@example.com"]}
ROWS = [[sha("ann@example.com")], [sha("ben@example.com")]]


class Wall:
    """A wall clock moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_frozen_clock_stands_until_advanced_and_runs_on_without_a_jump() -> None:
    wall = Wall()
    clock = Clock(wall)
    clock.freeze()
    wall.now += 50
    assert clock.now() == 1_000
    clock.advance(7)
    clock.freeze()
    assert (clock.now(), clock.advanced_s) == (1_007, 7)
    clock.thaw()
    assert clock.now() == 1_007
    wall.now += 1
    clock.thaw()
    assert (clock.now(), clock.real()) == (1_008, 1_051)
    clock.reset()
    assert (clock.now(), clock.is_frozen) == (1_051, False)


async def test_clock_is_frozen_and_moved_from_outside(fake: FakeClient) -> None:
    frozen = (await fake.admin("PUT", "/admin/clock", {"frozen": True})).json
    assert frozen["frozen"] is True
    moved = (await fake.admin("POST", "/admin/clock", {"advance_s": 10})).json
    assert float(str(moved["now"])) == pytest.approx(float(str(frozen["now"])) + 10)
    assert (await fake.admin("GET", "/admin/clock")).json == moved
    assert (await fake.admin("PUT", "/admin/clock", {"frozen": False})).json["frozen"] is False


async def test_frozen_clock_keeps_a_token_alive(fake: FakeClient) -> None:
    now = float(str((await fake.admin("PUT", "/admin/clock", {"frozen": True})).json["now"]))
    await fake.admin("PATCH", "/admin/tokens/fake-token", {"expires_at": int(now) + 5})
    assert (await fake.graph("GET", ACCOUNT)).status == 200
    await fake.admin("POST", "/admin/clock", {"advance_s": 5})
    assert (await fake.graph("GET", ACCOUNT)).code == (400, 190, 463)


async def test_snapshot_brings_back_people_lists_tokens_settings_faults_budgets_and_clock(
    fake: FakeClient,
) -> None:
    await fake.people(ANN)
    audience = await fake.create()
    await fake.add(audience, ["EMAIL"], ROWS)
    await fake.switch(latency_ms=0, matching="first_strong")
    await fake.arm({"empty": {"status": 503}}, operation="list_ad_accounts")
    await fake.admin("PUT", "/admin/clock", {"frozen": True})
    before = (await fake.admin("GET", "/admin/state")).json
    used = fake.state.ad_accounts[ACCOUNT].budget.used(fake.state.clock.now())
    taken = await fake.admin("POST", "/admin/snapshots")
    assert (taken.status, taken.json["people"], taken.json["audiences"]) == (201, 1, 1)
    path = f"/admin/snapshots/{taken.json['snapshot_id']}/restore"
    for _ in range(2):  # a snapshot can be returned to again and again
        await fake.people(BEN)
        await fake.add(audience, ["EMAIL"], ROWS)
        await fake.create("Another")
        await fake.admin("DELETE", "/admin/tokens/fake-token")
        await fake.admin("POST", "/admin/clock", {"advance_s": 60})
        await fake.admin("POST", "/admin/reset")
        assert (await fake.admin("POST", path)).status == 200
        assert (await fake.admin("GET", "/admin/state")).json == before
        assert await fake.inside(audience) == ["ann"]
        assert fake.state.ad_accounts[ACCOUNT].budget.used(fake.state.clock.now()) == used
        assert (await fake.graph("GET", audience)).status == 200


async def test_people_and_lists_made_after_a_snapshot_do_not_leak_into_it(
    fake: FakeClient,
) -> None:
    taken = (await fake.admin("POST", "/admin/snapshots")).json["snapshot_id"]
    await fake.people(BEN)
    gone = await fake.create()
    await fake.admin("POST", f"/admin/snapshots/{taken}/restore")
    assert (await fake.admin("GET", "/admin/people")).json["count"] == 0
    assert (await fake.graph("GET", gone)).code == (400, 100, 33)
    audience = await fake.create()
    assert audience != gone
    await fake.people(ANN)
    await fake.add(audience, ["EMAIL"], ROWS)
    assert await fake.inside(audience) == ["ann"]


async def test_only_the_last_snapshots_are_kept_and_the_journal_is_not_among_them(
    fake: FakeClient,
) -> None:
    ids = [(await fake.admin("POST", "/admin/snapshots")).json["snapshot_id"] for _ in range(11)]
    kept = (await fake.admin("GET", "/admin/snapshots")).json["snapshots"]
    assert isinstance(kept, list)
    assert [one["snapshot_id"] for one in kept] == ids[-SNAPSHOTS_MAX:]
    lost = await fake.admin("POST", f"/admin/snapshots/{ids[0]}/restore")
    assert (lost.status, "no such snapshot" in str(lost.json["error"])) == (404, True)
    await fake.graph("GET", ACCOUNT)
    await fake.admin("POST", f"/admin/snapshots/{ids[-1]}/restore")
    assert len(await fake.journal()) == 1
    assert (await fake.admin("DELETE", f"/admin/snapshots/{ids[-1]}")).status == 200
    assert (await fake.admin("DELETE", f"/admin/snapshots/{ids[-1]}")).status == 404


async def test_every_part_of_a_fake_is_in_a_snapshot_or_left_out_on_purpose() -> None:
    left_out = {"seed", "closing", "journal", "snapshots", "_first_profile", "_next_audience_id"}
    assert set(vars(FakeState(wall=Wall()))) == {*REMEMBERED, *left_out}
