"""Makes another Custom Audience in the place of one that Facebook lost, where that is wished."""

from datetime import timedelta
from typing import Final

import structlog

from service.graph import CustomAudience, GraphFailure
from service.store import leases
from service.sync.held import HeldAudience
from service.sync.single_call import find_listed, stop_for

RECREATE_INTERVAL: Final = timedelta(days=1)
"""A Custom Audience that is lost sooner is not replaced: something takes them all away."""

log = structlog.get_logger(__name__)


def may_recreate(held: HeldAudience) -> bool:
    """Whether a lost Custom Audience is replaced: by setting, and only one that we created."""
    work, since = held.work, held.work.custom_audience_since
    return (
        held.context.limits.recreate_gone_audiences
        and work.custom_audience_id is not None
        and work.disconnect_mode is None
        and not work.adopted
        and (since is None or held.now() - since >= RECREATE_INTERVAL)
    )


async def forget_gone_audience(held: HeldAudience) -> bool:
    """Give up the id, so that the next step creates; False when the account still lists it.

    A token that sees less also answers "not there", and what is there must not be left behind with
    people inside. The cursor stays: what is present is sent by the refresh that a new id brings.
    Raises Blocked, ComeBack, LeaseLost.
    """
    custom_audience_id = held.work.custom_audience_id or ""
    credentials = await held.credentials()
    audiences = held.context.graph.list_custom_audiences(credentials, held.work.ad_account_id)

    async def is_it(audience: CustomAudience) -> bool:
        return audience.id == custom_audience_id

    try:
        found = await find_listed(held, audiences, is_it)
    except GraphFailure as failure:
        raise await stop_for(held, failure) from failure
    if found is not None:
        return False
    log.warning(
        "custom audience is gone; another one is made", custom_audience_id=custom_audience_id
    )
    await held.write(leases.forget_custom_audience, custom_audience_id=custom_audience_id)
    return True
