"""Owns the view of all audiences, with the columns of Ads Manager's list."""

from collections.abc import Mapping
from typing import Final

from fakefb.audience_fields import View, audience_fields
from fakefb.audience_status import people_now
from fakefb.audiences import Audience
from fakefb.page_html import DASH, Html, table, tag, time_of
from fakefb.state import FakeState

SHOWN_MAX: Final = 500
"""Audiences of one page, newest first."""

_HEAD: Final = (
    "Name",
    "Type",
    "Size shown",
    "Exact people",
    "Availability",
    "Date created",
    "Audience ID",
    "Ad account",
)


_READY: Final = 200
_WORDS: Final = {
    _READY: "Ready",
    100: "Expiring",
    300: "Too small",
    410: "Nothing uploaded",
    414: "Replacing",
    441: "Populating",
    450: "Inactive",
    471: "Flagged",
}
"""What Ads Manager's words would be for the codes of the two statuses."""


def render_audiences(state: FakeState) -> Html:
    """Return the table of all audiences and a line on the fake as a whole."""
    known = list(state.audiences.by_id.values())
    newest = known[: -SHOWN_MAX - 1 : -1]
    rows = [_row(state, audience) for audience in newest]
    summary = (
        f"{len(known):,} audiences · {len(state.population):,} made-up people · "
        f"{sum(state.journal.calls.values()):,} calls · clock "
    )
    return tag(
        "div",
        tag("p", summary, time_of(state.clock.now()), " UTC", class_="summary"),
        table("All audiences, newest first", _HEAD, rows, "No audience has been created yet."),
    )


def shown_fields(state: FakeState, audience: Audience) -> Mapping[str, object]:
    """Return the fields that the owner would read on the Graph port now."""
    view = View(
        now=state.clock.now(),
        count_floor=state.settings.count_floor,
        count_delay_s=state.settings.count_delay_minutes * 60,
        lookalike_ids=(),
        is_owner=True,
    )
    return audience_fields(audience, view)


def type_of(audience: Audience) -> str:
    """Return the kind of audience in a word."""
    return "Customer list" if audience.lookalike is None else "Lookalike"


def size_shown(fields: Mapping[str, object]) -> str:
    """Return the approximate size as callers of the Graph port see it."""
    lower, upper = (fields[f"approximate_count_{end}_bound"] for end in ("lower", "upper"))
    if not isinstance(lower, int) or not isinstance(upper, int) or lower < 0:
        return "Not available"
    return f"Below {upper:,}" if lower == upper else f"{lower:,}{DASH}{upper:,}"


def availability(fields: Mapping[str, object]) -> Html:
    """Return whether ads can use the audience, and both statuses in the words of the Graph port."""
    delivery, operation = fields["delivery_status"], fields["operation_status"]
    if not isinstance(delivery, dict) or not isinstance(operation, dict):
        return Html(DASH)
    code = operation["code"] if operation["code"] != _READY else delivery["code"]
    return tag(
        "span",
        _WORDS.get(code, "Not ready"),
        class_="mark good" if code == _READY else "mark poor",
        title=f"{delivery['description']} {operation['description']} ({code})",
    )


def _row(state: FakeState, audience: Audience) -> tuple[object, ...]:
    fields = shown_fields(state, audience)
    return (
        tag("a", audience.name or "(no name)", href=f"/audiences/{audience.custom_audience_id}"),
        type_of(audience),
        size_shown(fields),
        people_now(audience, state.clock.now()),
        availability(fields),
        time_of(audience.time_created),
        tag("code", audience.custom_audience_id),
        tag("code", audience.ad_account_id),
    )
