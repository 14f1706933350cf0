"""Owns how HTML is written: elements whose text is always escaped, tables, numbers and times."""

import datetime as dt
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

DASH: Final = "\u2013"
VOID_ELEMENTS: Final = frozenset({"meta", "link", "input", "br"})


class Html(str):
    """Text that is HTML already; any other text is escaped where it is put in."""

    __slots__ = ()


def tag(name: str, /, *children: object, **attributes: object) -> Html:
    """Return an element; `hx_get` names the attribute hx-get, `class_` names class.

    An attribute that is None or False is left out; None as a child is nothing.
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID_ELEMENTS:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{joined(children)}</{name}>")


def joined(children: Iterable[object]) -> Html:
    """Return one child after another, each escaped unless it is HTML."""
    return Html("".join(_text(child) for child in children))


def table(caption: str, head: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> Html:
    """Return a table with its first column as row headers, or the sentence for no rows.

    The roles are said once more because phones show rows as cards, which undoes the built-in ones.
    """
    if not rows:
        return tag("p", empty, class_="empty")
    kinds = [_kind(value) for value in rows[0]]
    names = joined(
        tag("th", name, scope="col", role="columnheader", class_=kind)
        for name, kind in zip(head, kinds, strict=True)
    )
    body = joined(tag("tr", _cells(head, row), role="row") for row in rows)
    return tag(
        "table",
        tag("caption", caption, class_="unseen"),
        tag("thead", tag("tr", names, role="row"), role="rowgroup"),
        tag("tbody", body, role="rowgroup"),
        role="table",
    )


def time_of(seconds: float) -> Html:
    """Return a time in Unix seconds, in UTC; a dash for 0."""
    if not seconds:
        return Html(DASH)
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return tag("time", moment.strftime("%Y-%m-%d %H:%M:%S"), datetime=moment.isoformat())


def share(part: float, whole: float) -> str:
    """Return a part of a whole in percent; a dash of nothing."""
    return f"{part / whole:.1%}" if whole else DASH


def bar(value: float, whole: float, label: str, *, full_is_bad: bool) -> Html:
    """Return a bar for how much of a whole is there."""
    largest = max(whole, 1)
    ends = {"low": largest * 0.75, "high": largest * 0.95, "optimum": 0} if full_is_bad else {}
    shown = min(value, largest)
    return tag(
        "meter", share(value, whole), min=0, max=largest, value=shown, aria_label=label, **ends
    )


def _cells(head: Sequence[str], row: Sequence[object]) -> Html:
    first, *rest = zip(head, row, strict=True)
    cells = [tag("th", _shown(first[1]), scope="row", role="rowheader", data_label=first[0])]
    for label, value in rest:
        cells.append(tag("td", _shown(value), role="cell", data_label=label, class_=_kind(value)))
    return joined(cells)


def _kind(value: object) -> str | None:
    return "number" if isinstance(value, int | float) else None


def _shown(value: object) -> object:
    if isinstance(value, int | float):
        return f"{value:,}"
    return DASH if value is None or value == "" else value


def _text(value: object) -> str:
    if isinstance(value, Html):
        return value
    return "" if value is None else escape(str(value))


def _attribute(key: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
