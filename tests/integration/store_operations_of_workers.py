"""Operations of whoever holds an audience's lease."""

from hypothesis import strategies as st

from service.store import leases, membership
from service.store.rows import LeaseClaim
from tests.integration.store_operations import (
    AGE,
    COUNT,
    MINUTES,
    REVISION,
    Actor,
    operation,
)


@operation(often=2, lease_s=st.sampled_from([0.0, -60.0, 600.0, 600.0]))
async def claim(actor: Actor, lease_s: float) -> object:
    work = await leases.claim_due(
        actor.connection, holder="us", lease_s=lease_s, quiet_s=120, recheck_after_s=3600
    )
    if work is not None:
        actor.claims.append(LeaseClaim(work.audience_no, work.lease_token))
    return work, await leases.next_due_in_s(actor.connection)


@operation(often=3, age=AGE, lease_s=st.sampled_from([0.0, 600.0]))
async def take_over(actor: Actor, age: int, lease_s: float) -> object:
    """Let a lease run out, and claim whatever is to be had then."""
    return await leases.renew(*actor.held(age), -60), await claim(actor, lease_s)


@operation(age=AGE)
async def reload(actor: Actor, age: int) -> object:
    return await leases.reload(*actor.held(age))


@operation(age=AGE, lease_s=st.sampled_from([0.0, 600.0]))
async def renew(actor: Actor, age: int, lease_s: float) -> object:
    return await leases.renew(*actor.held(age), lease_s)


@operation(often=3, age=AGE, minutes=st.sampled_from([None, None, None, -10, 10]))
async def release(actor: Actor, age: int, minutes: int | None) -> object:
    released = await leases.release(*actor.held(age), due_at=actor.moment(minutes))
    return released, await leases.next_due_in_s(actor.connection)


@operation(
    often=2,
    age=AGE,
    additions=st.none() | MINUTES,
    removals=st.none() | MINUTES,
    recheck=st.none() | st.tuples(REVISION, MINUTES),
)
async def hold(
    actor: Actor,
    age: int,
    additions: int | None,
    removals: int | None,
    recheck: tuple[int, int] | None,
) -> object:
    recheck_from, recheck_minutes = recheck or (None, None)
    return await leases.hold(
        *actor.held(age),
        additions_until=actor.moment(additions),
        removals_until=actor.moment(removals),
        recheck_from=recheck_from,
        recheck_at=actor.moment(recheck_minutes),
    )


@operation(age=AGE, revision=REVISION)
async def advance_recheck(actor: Actor, age: int, revision: int) -> object:
    return await leases.advance_recheck(*actor.held(age), recheck_from=revision)


@operation(age=AGE, seen=REVISION, new=st.none() | st.tuples(REVISION, MINUTES))
async def finish_recheck(actor: Actor, age: int, seen: int, new: tuple[int, int] | None) -> object:
    new_from, new_minutes = new or (None, None)
    return await leases.finish_recheck(
        *actor.held(age),
        recheck_from_seen=seen,
        new_recheck_from=new_from,
        new_recheck_at=actor.moment(new_minutes),
    )


@operation(
    age=AGE,
    phase=st.sampled_from([None, None, "REMOVALS", "REMOVALS", "MEMBERS", "MEMBERS", "NONE"]),
    revision=st.none() | REVISION,
    place=st.none() | st.tuples(st.just(bytes(range(16))), COUNT),
    minutes=st.none() | MINUTES,
)
async def move_refresh(
    actor: Actor,
    age: int,
    phase: str | None,
    revision: int | None,
    place: tuple[bytes, int] | None,
    minutes: int | None,
) -> object:
    after_key, after_row_no = place or (None, None)
    return await leases.move_refresh(
        *actor.held(age),
        phase=phase,
        revision=revision,
        after_key=after_key,
        after_row_no=after_row_no,
        due_at=actor.moment(minutes),
    )


@operation(age=AGE, minutes=st.none() | MINUTES)
async def block(actor: Actor, age: int, minutes: int | None) -> object:
    return await leases.block(
        *actor.held(age), reason="TOKEN_INVALID", message="Why", probe_at=actor.moment(minutes)
    )


@operation(age=AGE)
async def unblock(actor: Actor, age: int) -> object:
    return await leases.unblock(*actor.held(age))


@operation(age=AGE, custom_audience_id=st.sampled_from(["11", "12", "13"]), adopted=st.booleans())
async def set_custom_audience(
    actor: Actor, *, age: int, custom_audience_id: str, adopted: bool
) -> object:
    return await leases.set_custom_audience(
        *actor.held(age),
        custom_audience_id=custom_audience_id,
        adopted=adopted,
        told_name="Name",
        told_description=None,
    )


@operation(age=AGE, custom_audience_id=st.sampled_from(["11", "12", "13"]))
async def forget_custom_audience(actor: Actor, age: int, custom_audience_id: str) -> object:
    return await leases.forget_custom_audience(
        *actor.held(age), custom_audience_id=custom_audience_id
    )


@operation(age=AGE, minutes=st.none() | MINUTES, bound=st.none() | COUNT)
async def set_facts(actor: Actor, age: int, minutes: int | None, bound: int | None) -> object:
    held = actor.held(age)
    return [
        await leases.note_create_attempt(*held, at=actor.moment(minutes)),
        await leases.set_told(*held, told_name="Told", told_description=""),
        await leases.count_failed_call(*held),
        await leases.set_facts(*held, lower=bound, upper=bound, operation_status=bound),
        await leases.was_given_up(actor.connection, "11"),
    ]


@operation(age=AGE, minutes=MINUTES, failures=COUNT, last=st.none() | MINUTES)
async def schedule(actor: Actor, age: int, minutes: int, failures: int, last: int | None) -> object:
    return await leases.schedule(
        *actor.held(age),
        next_sync_at=actor.some_moment(minutes * 4),
        failures_in_a_row=failures,
        last_sync_at=actor.moment(last),
    )


@operation(age=AGE, revision=REVISION, rows=COUNT)
async def settle_window(actor: Actor, age: int, revision: int, rows: int) -> object:
    return await leases.settle_window(*actor.held(age), synced_revision=revision, rows_settled=rows)


@operation(age=AGE, forgets=st.booleans())
async def finish_disconnect(actor: Actor, *, age: int, forgets: bool) -> object:
    connection, audience_no, _ = actor.held(age)
    forgotten = forgets and await membership.forget_members(connection, audience_no, limit=1000)
    return forgotten, await leases.finish_disconnect(*actor.held(age))
