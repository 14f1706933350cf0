"""How faults are planted in a running installation, and taken out again."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import asyncpg
from audiencesync.v1 import audience_sync_pb2 as pb

from service.cli.client import call
from tests.e2e.conftest import AUDIENCE_ID, Stack

MEMBERS = 150
NORMAL, LOW_MATCH = 200, 411
"""What Facebook's operation status says: nothing, and that it knows few of the people."""


def execute(stack: Stack, *statements: str) -> None:
    """Run SQL in the service's database, each statement by itself."""

    async def run() -> None:
        connection = await asyncpg.connect(stack.database_url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


def member(number: int) -> dict[str, Any]:
    """A person as callers and the fake describe them."""
    return {"emails": [f"person{number}@mail.example"], "first_name": f"Ann{'a' * number}"}


def add(stack: Stack, *members: pb.Member) -> None:
    changes = [pb.Change(operation=pb.Change.OPERATION_ADD, member=one) for one in members]
    request = pb.UpdateMembershipRequest(audience_id=AUDIENCE_ID, changes=changes)
    call(stack.service.stub.UpdateMembership, request)


def remove(stack: Stack, *member_ids: str) -> None:
    gone = pb.Change.OPERATION_REMOVE
    changes = [pb.Change(operation=gone, member=pb.Member(member_id=one)) for one in member_ids]
    request = pb.UpdateMembershipRequest(audience_id=AUDIENCE_ID, changes=changes)
    call(stack.service.stub.UpdateMembership, request)


def in_sql(plant: str, heal: str) -> Callable[[Stack], AbstractContextManager[None]]:
    @contextmanager
    def planted(stack: Stack) -> Iterator[None]:
        execute(stack, plant)
        try:
            yield
        finally:
            execute(stack, heal)

    return planted


def setting_off(name: str) -> Callable[[Stack], AbstractContextManager[None]]:
    @contextmanager
    def planted(stack: Stack) -> Iterator[None]:
        set_(stack, f"alter system set {name} = off")
        try:
            yield
        finally:
            set_(stack, f"alter system reset {name}")

    def set_(stack: Stack, statement: str) -> None:
        """Postgres hears of it when it gets to it."""
        execute(stack, statement, "select pg_reload_conf()")
        wanted = "off" if " set " in statement else "on"
        for _ in range(200):
            if asyncio.run(_shown(stack, name)) == wanted:
                return
            time.sleep(0.05)
        raise AssertionError(f"{name} does not become {wanted}")

    return planted


async def _shown(stack: Stack, name: str) -> str:
    connection = await asyncpg.connect(stack.database_url)
    try:
        return str(await connection.fetchval("select current_setting($1)", name))
    finally:
        await connection.close()


def at_facebook(
    path: str, plant: dict[str, Any], heal: dict[str, Any]
) -> Callable[[Stack], AbstractContextManager[None]]:
    @contextmanager
    def planted(stack: Stack) -> Iterator[None]:
        stack.admin.patch(path, plant)
        try:
            yield
        finally:
            stack.admin.patch(path, heal)

    return planted


@contextmanager
def low_match_status(stack: Stack) -> Iterator[None]:
    path = f"audiences/{_audience(stack).custom_audience_id}"
    stack.admin.patch(path, {"operation_code": LOW_MATCH})
    _learn_status(stack, LOW_MATCH)
    try:
        yield
    finally:
        stack.admin.patch(path, {"operation_code": None})
        _learn_status(stack, NORMAL)


def _learn_status(stack: Stack, code: int) -> None:
    """Facebook tells it at the next sync; the service reads and keeps it behind the sync's end."""
    stack.sync()
    for _ in range(200):
        if _audience(stack).operation_status == code:
            return
        time.sleep(0.05)
    raise AssertionError(f"the audience's status does not become {code}")


def _audience(stack: Stack) -> pb.Audience:
    look = pb.GetAudienceRequest(audience_id=AUDIENCE_ID)
    return call(stack.service.stub.GetAudience, look).audience


@contextmanager
def waiting_change(stack: Stack) -> Iterator[None]:
    add(stack, pb.Member(member_id="late", emails=["late@mail.example"]))
    execute(
        stack,
        "update change_chunk c set logged_at = now() - interval '5 hours' from audience_work w"
        " where w.audience_no = c.audience_no and c.revision > w.synced_revision",
    )
    try:
        yield
    finally:
        remove(stack, "late")
        stack.sync()


@contextmanager
def guests(stack: Stack, *members: pb.Member) -> Iterator[None]:
    """Members who come and leave again, with all that was counted of them."""
    add(stack, *members)
    try:
        yield
    finally:
        remove(stack, *(one.member_id for one in members))
        stack.sync()
        execute(stack, "delete from dropped_count")


def national_phones(stack: Stack) -> AbstractContextManager[None]:
    ids = [f"national{number}" for number in range(40)]
    people = (
        pb.Member(member_id=one, emails=[f"{one}@mail.example"], phones=["0171 5551"])
        for one in ids
    )
    return guests(stack, *people)


def role_mailboxes(stack: Stack) -> AbstractContextManager[None]:
    ids = [f"firm{number}" for number in range(60)]
    return guests(stack, *(pb.Member(member_id=one, emails=[f"info@{one}.example"]) for one in ids))


def placeholders(stack: Stack) -> AbstractContextManager[None]:
    ids = [f"shared{number}" for number in range(12)]
    return guests(stack, *(pb.Member(member_id=one, emails=["none@mail.example"]) for one in ids))


def hashed_null(stack: Stack) -> AbstractContextManager[None]:
    emails = [hashlib.sha256(b"null").hexdigest()]
    return guests(stack, pb.Member(member_id="null", emails=emails))
