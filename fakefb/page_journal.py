"""Owns the view of the journal: the last calls, newest first, without any identifier."""

import datetime as dt
from collections.abc import Mapping
from itertools import islice
from typing import Final
from urllib.parse import urlencode

from fakefb.journal import Entry, Filter, Journal
from fakefb.page_frame import live
from fakefb.page_html import Html, joined, table, tag

Wanted = Mapping[str, str]
"""What the journal is searched for, by `SEARCHED`; "" takes any."""

SEARCHED: Final = ("path", "operation", "fault")
CALLS_SHOWN: Final = 100
PATH_SHOWN: Final = 200
"""Characters of a path; the rest is cut off."""

_HEAD: Final = (
    "Time (UTC)",
    "Call",
    "Status",
    "Error",
    "Fault",
    "Rows",
    "Invalid",
    "Applied",
    "ms",
)


def render_journal(journal: Journal, wanted: Wanted) -> Html:
    """Return the last calls and one sentence on the newest, for those who listen."""
    entries = list(islice(journal.newest(Filter(**wanted)), CALLS_SHOWN))
    total = sum(journal.calls.values())
    newest = f" The newest: {_sentence(entries[0])}." if entries else ""
    return joined(
        (
            tag("p", f"{total:,} calls have ended.{newest}", role="status", aria_live="polite"),
            table("Calls, newest first", _HEAD, [_row(e) for e in entries], "No calls yet."),
        )
    )


def render_journal_view(journal: Journal, wanted: Wanted, *, is_live: bool) -> Html:
    """Return the search form and the calls, which refresh themselves unless told not to."""
    content = render_journal(journal, wanted)
    asked = urlencode(wanted)
    part = live(f"/parts/journal?{asked}", content, id="calls") if is_live else content
    return joined((_form(wanted, asked, is_live=is_live), part))


def _form(wanted: Wanted, asked: str, *, is_live: bool) -> Html:
    pause = f"/journal?{asked}&live=off" if is_live else f"/journal?{asked}"
    return tag(
        "form",
        _field("Part of the path", "path", wanted["path"]),
        _field("Operation", "operation", wanted["operation"]),
        _field("Fault", "fault", wanted["fault"]),
        tag("button", "Show", type="submit"),
        tag("a", "Stop refreshing" if is_live else "Refresh again", href=pause, class_="button"),
        method="get",
        action="/journal",
        class_="search",
    )


def _field(label: str, name: str, value: str) -> Html:
    return tag("label", label, tag("input", type="search", name=name, value=value))


def _row(entry: Entry) -> tuple[object, ...]:
    return (
        _clock(entry.time),
        tag("span", f"{entry.method} ", tag("code", entry.path[:PATH_SHOWN])),
        _status(entry),
        _error(entry),
        entry.fault,
        entry.rows,
        entry.invalid_rows,
        "yes" if entry.applied else None,
        entry.duration_ms,
    )


def _clock(seconds: float) -> Html:
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    shown = moment.strftime("%H:%M:%S.%f")[:-3]
    return tag("time", shown, datetime=moment.isoformat())


def _status(entry: Entry) -> Html:
    if entry.ended is None:
        return tag("span", "under way", class_="mark")
    if entry.status is None:
        return tag("span", "cut off", class_="mark poor")
    kind = "good" if entry.status < 400 else "poor"  # noqa: PLR2004 - where errors begin in HTTP
    return tag("span", str(entry.status), class_=f"mark {kind}")


def _error(entry: Entry) -> str | None:
    if entry.error_code is None:
        return None
    subcode = "" if entry.error_subcode is None else f"/{entry.error_subcode}"
    return f"{entry.error_code}{subcode}"


def _sentence(entry: Entry) -> str:
    outcome = "cut off" if entry.status is None else f"status {entry.status}"
    return f"{entry.method} {entry.path[:PATH_SHOWN]}, {'under way' if entry.ended is None else outcome}"
