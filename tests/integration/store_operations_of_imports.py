"""Operations by which a list is taken in chunk by chunk."""

import dataclasses
from collections.abc import Sequence
from typing import Final

from hypothesis import strategies as st

from service.store import audiences, imports
from service.store.member_batch import MemberBatch
from service.store.new_members import insert_if_new
from service.store.rows import MemberChange
from tests.integration.store_builders import at
from tests.integration.store_operations import INDEX, MINUTES, SLUGS, Actor, operation
from tests.integration.store_operations_of_callers import CHANGES, MINUTE, SLUG

IMPORT_ID: Final = st.sampled_from(["1", "1", "2"])


@operation(
    often=2,
    slug=SLUG,
    import_id=IMPORT_ID,
    mode=st.sampled_from(["DELTA", "REPLACE", "REPLACE"]),
    now=MINUTE,
)
async def begin_import(actor: Actor, slug: int, import_id: str, mode: str, now: int) -> object:
    audience = await audiences.lock_audience(actor.connection, SLUGS[slug])
    if audience is None:
        return None
    number = audience.audience_no
    known = await imports.lock_import(actor.connection, number, import_id)
    if known is None:
        await imports.begin_import(
            actor.connection,
            number,
            import_id,
            mode=mode,
            is_dry_run=False,
            now=at(now),
        )
    return known, await imports.find_open_replace(actor.connection, number)


@operation(
    often=3, slug=SLUG, import_id=IMPORT_ID, offset=st.integers(0, 2), changes=CHANGES, now=MINUTE
)
async def stage_chunk(
    actor: Actor, slug: int, import_id: str, offset: int, changes: Sequence[MemberChange], now: int
) -> object:
    """Each offset once: a chunk is staged in the transaction that moves the import on."""
    audience = await audiences.lock_audience(actor.connection, SLUGS[slug])
    if audience is None:
        return None
    taken = await imports.lock_import(actor.connection, audience.audience_no, import_id)
    if taken is None or taken.acknowledged > offset:
        return taken
    present = [change for change in changes if change.rows is not None]
    await imports.stage_rows(actor.connection, audience.audience_no, offset, present)
    moved = dataclasses.replace(taken, acknowledged=offset + 1, result=b"r")
    await imports.advance_import(actor.connection, audience.audience_no, moved, now=at(now))
    return await imports.lock_import(actor.connection, audience.audience_no, import_id)


@operation(often=2, slug=SLUG, changes=CHANGES, now=MINUTE)
async def insert_new(actor: Actor, slug: int, changes: Sequence[MemberChange], now: int) -> object:
    audience = await audiences.lock_audience(actor.connection, SLUGS[slug])
    if audience is None:
        return None
    rows = {one.member_key: one.rows[0] for one in changes if one.rows and len(one.rows) == 1}
    batch = MemberBatch(list(rows), list(rows.values()))
    return await insert_if_new(
        actor.connection, audience.audience_no, batch, now=at(now), rules_version=1
    )


@operation(often=3, slug=SLUG, started=MINUTE, now=MINUTE, clears=st.booleans())
async def replace_all(actor: Actor, slug: int, started: int, now: int, clears: bool) -> object:  # noqa: FBT001
    audience = await audiences.lock_audience(actor.connection, SLUGS[slug])
    if audience is None:
        return None
    number = audience.audience_no
    merged = await imports.replace_membership(
        actor.connection, number, started_at=at(started), now=at(now), rules_version=1
    )
    if clears:
        await imports.drop_staged_rows(actor.connection, number)
    return merged


@operation(index=INDEX, minutes=MINUTES, gives_up=st.booleans())
async def clear_imports(actor: Actor, index: int, minutes: int, gives_up: bool) -> object:  # noqa: FBT001
    connection, number = actor.connection, actor.number(index)
    await imports.prune_imports(
        connection, number, open_before=at(minutes), finished_before=at(minutes)
    )
    if gives_up:
        await imports.give_up_import(connection, number, "1")
        return None
    return await imports.forget_imports(connection, number, limit=1)
