"""Whose a Custom Audience is, by the marker in its description."""

from service.graph import CustomAudience
from service.sync.consequences import BlockedReason
from service.sync.held import HeldAudience
from service.sync.marker import Marker
from service.sync.stops import Blocked


def marker_of(held: HeldAudience) -> Marker:
    return Marker(held.work.audience_id, held.work.installation_id)


def refuse_anothers(held: HeldAudience, audience: CustomAudience) -> None:
    """Stop where somebody else's marker stands: two that adopt at once both find none at first.

    Who wrote the marker last keeps the Custom Audience. No marker at all is a person's edit. Raises
    Blocked.
    """
    if Marker.find(audience.description) not in (None, marker_of(held)):
        raise Blocked(
            BlockedReason.ADOPTION_REFUSED, told="Another audience or installation keeps it now."
        )
