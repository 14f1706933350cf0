"""Owns the two statuses of an audience: may it be used in ads, and what is being done with it."""

from collections.abc import Mapping
from typing import Final

from fakefb import lookalikes
from fakefb.audiences import Audience

DELIVERABLE_PEOPLE_MIN: Final = 100

OPERATION_TEXTS: Final[Mapping[int, str]] = {
    0: "Not available",
    100: "Scheduled to expire.",
    200: "Normal",
    400: "Warning",
    410: "Nothing has been uploaded yet.",
    411: "Few of the uploaded rows match anybody.",
    412: "Many of the uploaded rows are invalid.",
    414: "The people of this audience are being replaced.",
    415: "Replacing the people of this audience has failed.",
    421: "The pixel cannot be used.",
    422: "The pixel has not been seen.",
    423: "The pixel has no people.",
    431: "The lookalike cannot be made.",
    432: "The lookalike cannot be made in this country.",
    433: "The lookalike's origin is too small.",
    434: "The lookalike's origin is not available.",
    441: "People are still being added.",
    442: "Prefilling has failed.",
    450: "Out of date or inactive.",
    470: "Its creator is inactive.",
    471: "Flagged: it may break the integrity policy.",
    500: "Error",
}
"""Every documented code; the texts of most are our own."""


def operation_code(audience: Audience, now: float, count_delay_s: float = 0.0) -> int:
    """Return the code of `operation_status`; 441 while shown counts are behind."""
    replacing = audience.replaces.operation_code(now)
    if audience.forced_operation_code is not None:
        return audience.forced_operation_code
    if audience.flagged_fields:
        return 471
    if audience.lookalike is not None:
        return lookalikes.operation_code(audience.time_updated, now)
    if replacing is not None:
        return replacing
    if audience.delete_time is not None:
        return 100
    if audience.upload_kind is None:
        return 410
    return 441 if now < audience.time_content_updated + count_delay_s else 200


def operation_status(
    audience: Audience, now: float, count_delay_s: float = 0.0
) -> dict[str, object]:
    """Return `operation_status` as it is read."""
    code = operation_code(audience, now, count_delay_s)
    return {"code": code, "description": OPERATION_TEXTS[code]}


def delivery_status(audience: Audience, now: float) -> dict[str, object]:
    """Return `delivery_status`: 300 for too few people, 400 where the audience is barred."""
    code = operation_code(audience, now)
    if code in (471, 500):
        return {"code": 400, "description": "This audience cannot be used in ads."}
    if code == 450 or people_now(audience, now) < DELIVERABLE_PEOPLE_MIN:  # noqa: PLR2004
        return {"code": 300, "description": "This audience is too small to be used in ads."}
    return {"code": 200, "description": "This audience is ready for use."}


def people_now(audience: Audience, now: float) -> int:
    """Return how many people are inside; of a lookalike the made-up number, 0 until populated."""
    if audience.lookalike is None:
        return audience.membership.size()
    populated = lookalikes.operation_code(audience.time_updated, now) == 200  # noqa: PLR2004
    return audience.lookalike.people() if populated else 0
