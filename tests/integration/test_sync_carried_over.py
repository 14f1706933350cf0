"""Removals that Facebook puts off stay what they were: of a leaver, and not of who stays."""

from tests.integration.sync_world import SyncWorld, a_world, mail
from tests.integration.test_sync_changes import people, with_people

TOO_SMALL = {"graph_error": {"code": 200, "subcode": 1870047}}


def put_off(world: SyncWorld, times: int = 1) -> None:
    world.arm(match={"operation": "remove", "times": times}, effect=TOO_SMALL)


async def test_who_shares_an_email_with_a_leaver_whose_removal_was_put_off_stays_inside(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        world.know(["own@mail.example", "home@mail.example"])
        await world.connect()
        await world.update(
            leaver=["own@mail.example", "home@mail.example"], stayer=["home@mail.example"]
        )
        await world.sync()
        put_off(world, times=2)
        await world.update(leaver=None)
        for carried_over in (1, 1, 0):
            sync = await world.sync()
            assert sync.rows_carried_over == carried_over
            assert world.inside() == {"own@mail.example"}, "the stayer, by the shared e-mail"


async def test_removals_that_are_put_off_again_and_again_do_not_fill_the_log(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann", "bob", "cat")
        put_off(world, times=10)
        await world.update(ann=None, bob=None)
        for _ in range(10):
            await world.sync()
        assert await world.value("select sum(row_count) from change_chunk") == 2
        assert (await world.audience()).pending_change_count == 2
        await world.sync()
        assert world.inside() == people("cat")
        assert await world.value("select sum(row_count) from change_chunk") == 2, "for the refresh"
        assert (await world.audience()).pending_change_count == 0


async def test_a_removal_of_a_refresh_that_is_put_off_is_tried_by_the_next_sync(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        await with_people(world, "ann", "bob")
        await world.update(ann=None)
        await world.sync()
        put_off(world)
        sync = await world.sync("REFRESH")
        assert (sync.state, sync.rows_carried_over) == ("PARTIALLY_SUCCEEDED", 1)
        assert (await world.audience()).pending_change_count == 1
        assert (await world.sync()).rows_removed == 1
        await world.update(ann=mail("ann"))
        await world.sync()
        assert world.inside() == people("ann", "bob")
