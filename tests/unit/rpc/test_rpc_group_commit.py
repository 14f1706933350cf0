"""Calls that wait together are committed together, and what becomes of one is its own affair."""

import asyncio
import gc
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import pytest

from service.rpc.errors import AudienceDisconnected, Overloaded
from service.rpc.group_commit import GroupCommit
from service.store.errors import StoreUnavailable

pytestmark = pytest.mark.timeout(10)


@dataclass(frozen=True, eq=False)
class ACall:
    name: str
    fails: Exception | None = None
    """Of the transaction that it is in."""
    is_refused: bool = False
    request_id: str = ""

    @property
    def member_keys(self) -> tuple[bytes]:
        return (self.name.encode(),)


class Door:
    """Something to wait before until it is opened."""

    def __init__(self) -> None:
        self._opened = asyncio.Event()
        self.reached = asyncio.Event()

    def open(self) -> None:
        self._opened.set()

    async def pass_through(self) -> None:
        self.reached.set()
        await self._opened.wait()


@dataclass
class Database:
    """Commits to a list; the first batch waits at the door."""

    door: Door = field(default_factory=Door)
    tried: list[list[str]] = field(default_factory=list)
    committed: list[str] = field(default_factory=list)

    async def commit(self, calls: Sequence[ACall]) -> list[str | Exception]:
        self.tried.append([call.name for call in calls])
        await self.door.pass_through()
        for call in calls:
            if call.fails is not None:
                raise call.fails
        self.committed += [call.name for call in calls if not call.is_refused]
        return [AudienceDisconnected() if call.is_refused else f"{call.name}!" for call in calls]


GROUP: Final = "shoppers"


@dataclass
class World:
    database: Database = field(default_factory=Database)
    updates: GroupCommit[ACall, str] = field(default_factory=GroupCommit)

    def begin(self, call: ACall, audience_id: str = GROUP) -> "asyncio.Task[str]":
        return asyncio.ensure_future(self.updates.answer(audience_id, call, self.database.commit))

    async def begin_behind(self, *calls: ACall) -> "list[asyncio.Task[str]]":
        """Begin calls that all wait while another's commit is under way."""
        first = self.begin(ACall("first"))
        await self.database.door.reached.wait()
        began = [self.begin(call) for call in calls]
        await asyncio.sleep(0)  # each takes its place
        return [first, *began]


@pytest.fixture
async def world() -> World:
    return World()


async def outcomes(tasks: "list[asyncio.Task[str]]") -> list[str]:
    """Answers, and the classes of errors."""
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    return [one if isinstance(one, str) else type(one).__name__ for one in ended]


async def test_a_lone_call_is_committed_at_once(world: World) -> None:
    world.database.door.open()
    assert await world.begin(ACall("a")) == "a!"
    assert world.database.tried == [["a"]]


async def test_calls_that_arrive_during_a_commit_go_together_in_the_next(world: World) -> None:
    began = await world.begin_behind(ACall("a"), ACall("b"), ACall("c"))
    world.database.door.open()
    assert await outcomes(began) == ["first!", "a!", "b!", "c!"]
    assert world.database.tried == [["first"], ["a", "b", "c"]]


async def test_the_same_member_twice_is_committed_in_order(world: World) -> None:
    began = await world.begin_behind(ACall("a"), ACall("a"), ACall("b"))
    world.database.door.open()
    await outcomes(began)
    assert world.database.tried == [["first"], ["a", "b"], ["a"]]


async def test_audiences_do_not_wait_for_each_other(world: World) -> None:
    (first,) = await world.begin_behind()
    other = Database()
    other.door.open()
    assert await world.updates.answer("others", ACall("b"), other.commit) == "b!"
    assert not first.done()
    world.database.door.open()
    await first


async def test_a_refusal_is_its_callers_alone(world: World) -> None:
    began = await world.begin_behind(ACall("a"), ACall("b", is_refused=True), ACall("c"))
    world.database.door.open()
    assert await outcomes(began) == ["first!", "a!", "AudienceDisconnected", "c!"]
    assert len(world.database.tried) == 2


async def test_a_call_that_fails_its_transaction_fails_alone(world: World) -> None:
    began = await world.begin_behind(ACall("a"), ACall("b", fails=ValueError()), ACall("c"))
    world.database.door.open()
    assert await outcomes(began) == ["first!", "a!", "ValueError", "c!"]
    assert world.database.tried == [["first"], ["a", "b", "c"], ["a"], ["b"], ["c"]]
    assert world.database.committed == ["first", "a", "c"]


async def test_a_lost_connection_is_told_to_everyone_once_and_nothing_is_tried_again(
    world: World,
) -> None:
    began = await world.begin_behind(ACall("a"), ACall("b", fails=StoreUnavailable("gone")))
    world.database.door.open()
    assert await outcomes(began) == ["first!", "StoreUnavailable", "StoreUnavailable"]
    assert world.database.tried == [["first"], ["a", "b"]]
    one, other = began[1].exception(), began[2].exception()
    assert one is not other, "each is raised in a task of its own"


async def test_a_connection_lost_while_each_goes_alone_is_told_to_who_is_left(
    world: World,
) -> None:
    lost = ACall("c", fails=StoreUnavailable("gone"))
    began = await world.begin_behind(ACall("a"), ACall("b", fails=ValueError()), lost, ACall("d"))
    world.database.door.open()
    told = ["first!", "a!", "ValueError", "StoreUnavailable", "StoreUnavailable"]
    assert await outcomes(began) == told
    assert world.database.tried[2:] == [["a"], ["b"], ["c"]]


async def test_a_caller_who_goes_while_waiting_is_not_committed(world: World) -> None:
    began = await world.begin_behind(ACall("a"), ACall("b"))
    began[1].cancel()
    await asyncio.sleep(0)
    world.database.door.open()
    assert await outcomes(began) == ["first!", "CancelledError", "b!"]
    assert world.database.committed == ["first", "b"]


async def test_a_caller_who_goes_during_the_commit_is_committed_and_stops_nobody(
    world: World,
) -> None:
    began = await world.begin_behind(ACall("a"))
    began[0].cancel()
    await asyncio.sleep(0)
    world.database.door.open()
    assert await outcomes(began) == ["CancelledError", "a!"]
    assert world.database.committed == ["first", "a"]


async def test_one_too_many_is_refused_and_there_is_room_again_later() -> None:
    world = World(updates=GroupCommit(waiting_max=2))
    began = await world.begin_behind(ACall("a"), ACall("b"))
    with pytest.raises(Overloaded) as refused:
        await world.begin(ACall("c"))
    assert refused.value.retry_after_s is not None
    began[1].cancel()
    await asyncio.sleep(0)
    began.append(world.begin(ACall("d")))
    world.database.door.open()
    assert await outcomes(began) == ["first!", "CancelledError", "b!", "d!"]


async def test_an_error_that_nobody_is_there_to_take_is_not_logged(world: World) -> None:
    """Its text may quote a value."""
    loop, heard = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, said: heard.append(said))

    async def fail_as_the_caller_goes(_: Sequence[ACall]) -> list[str | Exception]:
        loop.call_soon(callers[0].cancel)
        raise ValueError("ann@example.com")

    going = world.updates.answer(GROUP, ACall("a"), fail_as_the_caller_goes)
    callers = [asyncio.ensure_future(going)]
    await asyncio.wait(callers)
    assert callers.pop().cancelled()
    gc.collect()
    assert heard == []


async def test_who_waits_is_let_go_when_the_committer_is_ended(world: World) -> None:
    began = await world.begin_behind(ACall("a"))
    callers = {asyncio.current_task(), *began}
    (committer,) = asyncio.all_tasks() - callers
    committer.cancel()
    assert await outcomes(began) == ["CancelledError", "CancelledError"]
    world.database.door.open()
    assert await world.begin(ACall("b")) == "b!"
