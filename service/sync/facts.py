"""Keeps what Facebook tells of the audience: its estimated size and status."""

import structlog

from service.store import leases
from service.sync.held import HeldAudience
from service.sync.ownership import refuse_anothers
from service.sync.single_call import read_custom_audience
from service.sync.stops import Blocked, ComeBack

log = structlog.get_logger(__name__)


async def refresh_facts(held: HeldAudience) -> None:
    """Keep Facebook's estimate and status; a failure here is no failure of the sync.

    Raises Blocked when it is somebody else's by now.
    """
    try:
        audience = await read_custom_audience(held, await held.credentials())
    except (Blocked, ComeBack) as stop:
        log.info("facts not read", reason=str(stop))
        return
    status = audience.operation_status
    await held.write(
        leases.set_facts,
        lower=audience.approximate_count_lower_bound,
        upper=audience.approximate_count_upper_bound,
        operation_status=status.code if status else None,
    )
    refuse_anothers(held, audience)
