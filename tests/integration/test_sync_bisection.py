"""Rows that Facebook calls invalid are found although it names only some of them."""

from collections.abc import Sequence

import pytest

from fakefb import cells
from fakefb.schema_keys import CellKind
from service.identifiers import RawMember, rows_of_member
from service.store.history_rows import Sync
from service.sync import upload
from service.sync.receipts import NOT_TOLD
from tests.integration.sync_world import SyncWorld, a_world, mail
from tests.integration.test_sync_changes import people, with_people

BAD = "not a SHA-256 hash in lower-case hexadecimal"


def hash_of(email: str) -> str:
    found = rows_of_member(RawMember(emails=[email]), default_region="US", this_year=2026)
    return found.rows[0][2:].hex()


@pytest.fixture
def disliked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Hashes that this Facebook calls invalid, for reasons of its own."""
    hashes: set[str] = set()
    is_clean, fault_of = cells.is_clean, cells.fault_of

    def dislikes_some(kind: CellKind, column: Sequence[object]) -> bool:
        return hashes.isdisjoint(column) and is_clean(kind, column)

    def fault(kind: CellKind, cell: object) -> str | None:
        return BAD if cell in hashes else fault_of(kind, cell)

    for module in ("fakefb.cells", "fakefb.uploads", "fakefb.payload"):
        monkeypatch.setattr(f"{module}.is_clean", dislikes_some, raising=False)
        monkeypatch.setattr(f"{module}.fault_of", fault, raising=False)
    return hashes


async def sync_members(world: SyncWorld, count: int) -> Sync:
    await world.connect()
    await world.run()
    world.fake.state.journal.clear()
    await world.update(**{f"m{n}": mail(f"m{n}") for n in range(count)})
    return await world.sync()


async def refused(world: SyncWorld, sync: Sync) -> dict[str, int]:
    async with world.context.pool.acquire() as connection:
        rows = await connection.fetch(
            "select reason, row_count from rejected_row where sync_no = $1", sync.sync_no
        )
    return {row["reason"]: row["row_count"] for row in rows}


def name_at_most(world: SyncWorld, samples: int) -> None:
    world.arm(match={"operation": "add"}, effect={"invalid_samples_limit": {"n": samples}})


@pytest.mark.parametrize(("guilty", "samples"), [(1, 0), (7, 2), (40, 2), (300, 100)])
async def test_the_guilty_rows_are_known_and_counted_exactly_within_the_bound_of_extra_calls(
    database_url: str, disliked: set[str], guilty: int, samples: int
) -> None:
    disliked.update(hash_of(f"m{n * 3}@mail.example") for n in range(guilty))
    async with a_world(database_url) as world:
        world.know(*(mail(f"m{n}") for n in range(1000)))
        name_at_most(world, samples)
        sync = await sync_members(world, 1000)

        assert (sync.state, sync.rows_added, sync.rows_invalid) == (
            "PARTIALLY_SUCCEEDED",
            1000 - guilty,
            guilty,
        )
        assert await refused(world, sync) == {BAD if samples else NOT_TOLD: guilty}
        assert len(world.inside()) == 1000 - guilty
        assert 1 < sync.calls <= 1 + upload.EXTRA_CALLS_MAX


async def test_when_the_bound_is_reached_counts_stay_exact_and_say_what_is_not_known(
    database_url: str, disliked: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "EXTRA_CALLS_MAX", 6)
    disliked.update(hash_of(f"m{n * 3}@mail.example") for n in range(60))
    async with a_world(database_url) as world:
        name_at_most(world, 1)
        sync = await sync_members(world, 200)
        assert (sync.rows_added, sync.rows_invalid) == (140, 60)
        assert sync.calls == 1 + 6
        told = await refused(world, sync)
        assert sum(told.values()) == 60
        assert told[NOT_TOLD] > told.get(BAD, 0)


async def test_a_list_that_is_invalid_throughout_costs_no_extra_call(
    database_url: str, disliked: set[str]
) -> None:
    disliked.update(hash_of(f"m{n}@mail.example") for n in range(300))
    async with a_world(database_url) as world:
        sync = await sync_members(world, 300)
        assert (sync.rows_added, sync.rows_invalid, sync.calls) == (0, 300, 1)


async def test_a_removal_that_sinks_its_call_is_never_settled_but_blocks(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann", "bob", "cat")
        await world.update(ann=None, bob=None)
        world.arm(match={"operation": "remove"}, effect={"graph_error": {"code": 100}})
        sync = await world.sync()
        assert (sync.state, sync.error_reason) == ("FAILED", "REMOVAL_REFUSED")
        audience = await world.audience()
        assert (audience.state, audience.pending_change_count) == ("BLOCKED", 2)
        assert world.inside() == people("ann", "bob", "cat")
