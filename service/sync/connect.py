"""Creates or adopts the Custom Audience of an audience that has none yet.

Creating is not idempotent at Facebook. The wish is committed before this runs; that an attempt is
made is committed before the call; and the account's list is searched for our marker before one is made,
after an attempt whose outcome is not known not before that can no longer land.
"""

from datetime import timedelta

import structlog

from service.graph import Credentials, CustomAudience, GraphFailure, Verdict
from service.store import leases
from service.store.errors import CustomAudienceInUse
from service.sync.blocking import is_trying, unblock
from service.sync.consequences import BlockedReason
from service.sync.held import HeldAudience
from service.sync.log_reading import Operation
from service.sync.marker import Marker
from service.sync.ownership import marker_of, refuse_anothers
from service.sync.schedule import next_refresh_after
from service.sync.single_call import find_by_marker, read_custom_audience, single_call, stop_for
from service.sync.stops import Blocked, ComeBack

_MAY_HAVE_MADE_IT = frozenset({Verdict.UNKNOWN_OUTCOME, Verdict.TRANSIENT})
"""After these the Custom Audience may exist: an error of Facebook's own proves nothing."""

log = structlog.get_logger(__name__)


async def connect(held: HeldAudience) -> None:
    """Give the audience its Custom Audience. Raises Blocked, ComeBack, LeaseLost."""
    credentials = await held.credentials()
    if held.work.existing_custom_audience_id is not None:
        await _adopt(held, credentials)
    elif (found := await _find_created(held, credentials)) is not None:
        log.info("found the custom audience of an earlier attempt", custom_audience_id=found.id)
        await _keep(held, found.id, adopted=False, told=False)
    else:
        await _create(held, credentials)


async def _find_created(held: HeldAudience, credentials: Credentials) -> CustomAudience | None:
    """What an earlier attempt may have made, also one that a failover or a restored backup forgot."""
    _wait_for_earlier_attempt(held)
    audiences = held.context.graph.list_custom_audiences(credentials, held.work.ad_account_id)
    try:
        return await find_by_marker(held, audiences, marker_of(held).append_to(""))
    except GraphFailure as failure:
        raise await stop_for(held, failure) from failure


def _wait_for_earlier_attempt(held: HeldAudience) -> None:
    """Raise ComeBack while a call of an earlier attempt may still land."""
    attempted_at = held.work.create_attempted_at
    if attempted_at is None:
        return
    quiet_at = attempted_at + timedelta(seconds=held.context.limits.quiet_s)
    quiet_at = max(quiet_at, held.hold_until.get(Operation.ADD, quiet_at))
    if quiet_at > held.now():
        raise ComeBack((quiet_at - held.now()).total_seconds())


async def _create(held: HeldAudience, credentials: Credentials) -> None:
    await held.write(leases.note_create_attempt, at=held.now())
    work = held.work
    try:
        custom_audience_id = await single_call(
            held,
            lambda: held.context.graph.create_custom_audience(
                credentials,
                work.ad_account_id,
                name=work.name,
                description=marker_of(held).append_to(work.description),
                customer_file_source=work.customer_file_source,
            ),
        )
    except ComeBack:  # the account is stopped: nothing was sent
        await held.write(leases.note_create_attempt, at=None)
        raise
    except GraphFailure as failure:
        may_exist = failure.verdict in _MAY_HAVE_MADE_IT
        await held.write(leases.note_create_attempt, at=held.now() if may_exist else None)
        raise await stop_for(held, failure) from failure
    await _keep(held, custom_audience_id, adopted=False, told=True)


async def _adopt(held: HeldAudience, credentials: Credentials) -> None:
    audience = await read_custom_audience(held, credentials)
    refusal = refusal_to_adopt(audience, held.work.ad_account_id, marker_of(held))
    if refusal is not None:
        log.warning("adoption refused", refusal=refusal)
        raise Blocked(BlockedReason.ADOPTION_REFUSED, told=refusal)
    await _keep(held, audience.id, adopted=True, told=False)


def refusal_to_adopt(audience: CustomAudience, ad_account_id: str, marker: Marker) -> str | None:
    """Why a Custom Audience cannot be kept in step, None if it can. Pure."""
    other = Marker.find(audience.description)
    refusals = (
        (audience.subtype not in ("", "CUSTOM"), "it is not a customer list"),
        (audience.is_value_based, "it is value-based"),
        (audience.is_single_key, "it holds single-key uploads"),
        (audience.can_edit is False, "it cannot be edited by this account"),
        (
            audience.account_id not in ("", ad_account_id.removeprefix("act_")),
            "it belongs to another ad account",
        ),
        (other not in (None, marker), "another audience or installation keeps it"),
    )
    return next((reason for refused, reason in refusals if refused), None)


async def _keep(held: HeldAudience, custom_audience_id: str, *, adopted: bool, told: bool) -> None:
    """Store Facebook's id. Nothing settled yet means that the log itself is the first full list."""
    work = held.work
    try:
        await held.write(
            leases.set_custom_audience,
            custom_audience_id=custom_audience_id,
            adopted=adopted,
            told_name=work.name if told else None,
            told_description=work.description if told else None,
        )
    except CustomAudienceInUse as error:
        raise Blocked(BlockedReason.ADOPTION_REFUSED, told="another audience keeps it") from error
    if is_trying(held):
        await unblock(held)
    if work.synced_revision == 0:
        due_at = next_refresh_after(
            held.now(), interval=held.context.limits.refresh_interval, chance=held.context.chance
        )
        await held.write(
            leases.move_refresh,
            phase=None,
            revision=None,
            after_key=None,
            after_row_no=None,
            due_at=due_at,
        )


async def tell_name(held: HeldAudience) -> None:
    """Bring name and description at Facebook up to date. Raises Blocked, ComeBack, LeaseLost."""
    credentials = await held.credentials()
    work = held.work
    try:
        await single_call(
            held,
            lambda: held.context.graph.update_custom_audience(
                credentials,
                work.custom_audience_id or "",
                name=work.name,
                description=marker_of(held).append_to(work.description),
            ),
        )
    except GraphFailure as failure:
        raise await stop_for(held, failure) from failure
    if work.adopted and work.told_name is None:
        refuse_anothers(held, await read_custom_audience(held, credentials))
    await held.write(leases.set_told, told_name=work.name, told_description=work.description)
