"""Ends the keeping of an audience: cancels its syncs, deletes at Facebook if wished, forgets members."""

from typing import Final

from service.graph import GraphFailure, Verdict
from service.store import dropped_counts, imports, leases, membership, syncs
from service.store.audit_events import (
    AuditAction,
    AuditSubject,
    NewAuditEvent,
    origin_of_last,
    record,
)
from service.store.connection import Connection
from service.sync.held import HeldAudience
from service.sync.refresh_position import forget_position
from service.sync.single_call import single_call, stop_for

FORGET_ROWS_AT_ONCE: Final = 20_000
"""Rows a transaction when a disconnected audience's membership and log are deleted."""


async def cancel_waiting(held: HeldAudience) -> None:
    """End waiting and running syncs of a paused audience; a refresh begins anew when it is due."""
    await held.write(syncs.cancel_waiting)
    await forget_position(held)


async def delete_on_facebook(held: HeldAudience) -> None:
    """Delete the Custom Audience; one that is gone already is as good. Raises Blocked, ComeBack."""
    credentials = await held.credentials()
    try:
        await single_call(
            held,
            lambda: held.context.graph.delete_custom_audience(
                credentials, held.work.custom_audience_id or ""
            ),
        )
    except GraphFailure as failure:
        if failure.verdict is not Verdict.GONE:
            raise await stop_for(held, failure) from failure
    await finish_disconnect(held)


async def finish_disconnect(held: HeldAudience) -> None:
    """Forget the membership in slices, then end the audience. Raises LeaseLost."""
    while True:
        await held.lease.outlive_a_call()
        async with held.transaction() as connection:
            forgotten = await membership.forget_members(
                connection, held.audience_no, limit=FORGET_ROWS_AT_ONCE
            )
            forgotten += await imports.forget_imports(
                connection, held.audience_no, limit=FORGET_ROWS_AT_ONCE
            )
            await dropped_counts.forget_dropped_counts(connection, held.audience_no)
        if forgotten == 0:
            break
    async with held.transaction() as connection:
        await held.guard(leases.finish_disconnect(connection, held.audience_no, held.lease.token))
        await _note_erased(held, connection)


async def _note_erased(held: HeldAudience, connection: Connection) -> None:
    """Record that the members are forgotten, by whoever asked for it."""
    work = held.work
    asked = await origin_of_last(connection, work.audience_no, AuditAction.DISCONNECT_AUDIENCE)
    event = NewAuditEvent(
        action=AuditAction.ERASE_AUDIENCE,
        occurred_at=held.now(),
        origin=asked,
        subject=AuditSubject(
            audience_no=work.audience_no,
            audience_id=work.audience_id,
            ad_account_id=work.ad_account_id,
        ),
        details={"mode": work.disconnect_mode or ""},
    )
    await record(connection, event)
