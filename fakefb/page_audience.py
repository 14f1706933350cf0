"""Owns the view of one audience: its facts, its history, what matched and what was invalid."""

from itertools import islice
from typing import Final

from fakefb.audience_status import people_now
from fakefb.audiences import Audience
from fakefb.history import UPLOADS_MAX, History, Upload
from fakefb.page_audiences import availability, shown_fields, size_shown, type_of
from fakefb.page_frame import facts, section
from fakefb.page_history import render_chart
from fakefb.page_html import DASH, Html, bar, joined, share, table, tag, time_of
from fakefb.sessions import Session
from fakefb.state import FakeState

UPLOADS_SHOWN: Final = 50
SESSIONS_SHOWN: Final = 50


def render_audience(state: FakeState, audience: Audience) -> Html:
    """Return everything about one audience but its heading."""
    history = audience.history
    return joined(
        (
            _facts(state, audience),
            section("Audience History", render_chart(history.uploads), _uploads(history)),
            section("Match rate by key", _matches(history)),
            section("Invalid rows", _invalid(history)),
            section("Sessions", _sessions(audience)),
        )
    )


def _facts(state: FakeState, audience: Audience) -> Html:
    history, fields = audience.history, shown_fields(state, audience)
    return facts(
        {
            "Audience ID": tag("code", audience.custom_audience_id),
            "Ad account": tag("code", audience.ad_account_id),
            "Description": audience.description or DASH,
            "Type": type_of(audience),
            "Availability": availability(fields),
            "Size shown": size_shown(fields),
            "Exact people": f"{people_now(audience, state.clock.now()):,}",
            "People added, removed": f"{history.people_added:,}, {history.people_removed:,}",
            "Rows added, removed": (
                f"{audience.tally.rows_added:,}, {audience.tally.rows_removed:,}"
            ),
            "Created": time_of(audience.time_created),
            "Content updated": time_of(audience.time_content_updated),
        }
    )


def _uploads(history: History) -> Html:
    head = ("Time (UTC)", "Call", "Rows", "Added", "Removed", "People then", "Invalid", "Matched")
    newest = islice(reversed(history.uploads), UPLOADS_SHOWN)
    return joined(
        (
            table("Uploads, newest first", head, [_upload(u) for u in newest], "No uploads."),
            tag(
                "p",
                f"The last {UPLOADS_SHOWN} uploads; the chart has the last {UPLOADS_MAX:,}.",
                class_="note",
            ),
        )
    )


def _upload(upload: Upload) -> tuple[object, ...]:
    rates = (f"{key} {share(m.matched, m.values)}" for key, m in upload.by_key.items())
    return (
        time_of(upload.time),
        upload.operation,
        upload.rows,
        upload.people_added,
        upload.people_removed,
        upload.people,
        sum(upload.invalid.values()),
        ", ".join(rates),
    )


def _matches(history: History) -> Html:
    rows = [
        (
            key,
            values,
            history.matched[key],
            share(history.matched[key], values),
            bar(history.matched[key], values, f"Match rate of {key}", full_is_bad=False),
        )
        for key, values in history.values.items()
    ]
    head = ("Key", "Values", "Known to somebody", "Rate", "Bar")
    return table("Match rate by key", head, rows, "No values yet.")


def _invalid(history: History) -> Html:
    rows = history.invalid.most_common()
    return table("Invalid rows by reason", ("Reason", "Rows"), rows, "No row was invalid.")


def _sessions(audience: Audience) -> Html:
    newest = islice(reversed(audience.sessions.by_id.values()), SESSIONS_SHOWN)
    head = ("Session", "Stage", "Began (UTC)", "Ended (UTC)", "Rows received", "Invalid")
    return table("Sessions, newest first", head, [_session(s) for s in newest], "No sessions.")


def _session(session: Session) -> tuple[object, ...]:
    return (
        tag("code", session.session_id),
        session.stage,
        time_of(session.start_time),
        time_of(session.end_time),
        session.num_received,
        session.num_invalid,
    )
