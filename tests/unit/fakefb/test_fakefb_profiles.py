"""Profiles: calm by default, grumpy with a few per cent of everything, always survivable."""

import asyncio
import json
import sys

import aiohttp

from fakefb.clock import Clock
from fakefb.faults import Faults
from fakefb.profiles import Profile, rules_of
from fakefb.testing import running_fake
from tests.unit.fakefb.client import ACCOUNT, FakeClient, sha

PEOPLE = [{"person_id": f"p{i}", "emails": [f"p{i}@example.com"]} for i in range(40)]
TRIES_MAX = 20


def names_fired(faults: Faults, calls: int) -> list[str | None]:
    picks = [
        faults.pick(method="POST", path="/7/users", operation="add", custom_audience_id="7")
        for _ in range(calls)
    ]
    return [None if pick is None else pick.name for pick in picks]


def test_grumpy_hits_a_few_per_cent_repeats_with_the_seed_and_fires_every_rule() -> None:
    def fired(seed: int) -> list[str | None]:
        return names_fired(Faults(seed, Clock(lambda: 0.0), Profile.GRUMPY), 3_000)

    assert fired(1) == fired(1) != fired(2)
    assert 0.05 < sum(name is not None for name in fired(1)) / 3_000 < 0.2
    assert {name for name in fired(1) if name} == {rule.name for rule in rules_of(Profile.GRUMPY)}


def test_own_faults_come_first_and_do_not_shift_the_chance_of_the_profile() -> None:
    alone = Faults(1, Clock(lambda: 0.0), Profile.GRUMPY)
    beside = Faults(1, Clock(lambda: 0.0), Profile.GRUMPY)
    own = rules_of(Profile.GRUMPY)[0]
    beside.arm([own.model_copy(update={"name": "own"})])
    pairs = list(zip(names_fired(alone, 500), names_fired(beside, 500), strict=True))
    assert any(b == "own" for _, b in pairs)
    assert all(b in (a, "own") for a, b in pairs)


async def test_profile_is_switched_from_outside_and_reset_returns_to_the_first(
    fake: FakeClient,
) -> None:
    assert (await fake.admin("GET", "/admin/profile")).json == {"name": "calm", "faults": []}
    reply = await fake.admin("PUT", "/admin/profile", {"name": "grumpy"})
    told = reply.json["faults"]
    assert isinstance(told, list)
    assert {rule["name"] for rule in told} >= {"grumpy:html-502", "grumpy:reset-after"}
    assert (await fake.admin("PUT", "/admin/profile", {"name": "sleepy"})).status == 400
    await fake.admin("DELETE", "/admin/faults")
    assert (await fake.admin("GET", "/admin/state")).json["profile"] == "grumpy"
    await fake.admin("POST", "/admin/reset")
    assert (await fake.admin("GET", "/admin/state")).json["profile"] == "calm"


async def test_careful_client_gets_everything_through_a_grumpy_fake() -> None:
    async with running_fake(grumpy=True, seed=5) as running, aiohttp.ClientSession() as session:
        fake = FakeClient(running, session)
        await fake.people(*PEOPLE)
        await fake.admin("PUT", "/admin/profile", {"name": "calm"})
        audience = await fake.create()
        await fake.admin("PUT", "/admin/profile", {"name": "grumpy"})

        async def add_carefully(person: int) -> None:
            rows = [[sha(f"p{person}@example.com")], [sha("nobody@example.com")]]
            for _ in range(TRIES_MAX):
                try:
                    reply = await fake.add(audience, ["EMAIL"], rows)
                    if reply.status == 200 and reply.json.get("num_received") == 2:
                        return
                except (aiohttp.ClientError, json.JSONDecodeError):
                    continue
            raise AssertionError(person)

        await asyncio.gather(*(add_carefully(i) for i in range(len(PEOPLE))))
        assert len(await fake.inside(audience)) == len(PEOPLE)
        faults = {entry["fault"] for entry in await fake.journal() if entry["fault"]}
        assert faults
        await fake.admin("POST", "/admin/reset")
        assert (await fake.admin("GET", "/admin/state")).json["profile"] == "grumpy"


async def test_command_is_calm_unless_told() -> None:
    for option, name in (("--calm", "calm"), ("--grumpy", "grumpy")):
        command = ["-m", "fakefb", "--graph-port", "0", "--admin-port", "0", option]
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        addresses = json.loads(await process.stdout.readline())
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{addresses['admin_url']}/admin/profile") as response,
        ):
            assert (await response.json())["name"] == name
        process.terminate()
        await process.communicate()
    async with running_fake() as running:
        assert running.state.faults.profile is Profile.CALM
        assert ACCOUNT in running.state.ad_accounts
