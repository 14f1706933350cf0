"""Owns the page for people: audiences, budgets and the last calls, without any identifier."""

from html import escape
from itertools import islice
from typing import Final

from fakefb.state import FakeState

CALLS_SHOWN: Final = 50

_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;"
    "color-scheme:light dark}table{border-collapse:collapse;width:100%;margin-bottom:2rem}"
    "th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8884}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}section{overflow-x:auto}"
)


def render_page(state: FakeState) -> str:
    """Return the whole page as HTML."""
    people = f"{len(state.population):,}"
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>fakefb</title>'
        f"<style>{_STYLE}</style></head><body><h1>fakefb</h1>"
        f"<p>A stand-in for Facebook with {people} made-up people. Not for production.</p>"
        + _section(
            "Audiences", ("id", "name", "account", "people", "rows in", "out"), _lists(state)
        )
        + _section("Budgets of the last hour", ("account", "calls", "allowed"), _budgets(state))
        + _section(
            "Last calls", ("method", "path", "rows", "status", "error", "fault"), _calls(state)
        )
        + "</body></html>"
    )


def _lists(state: FakeState) -> list[tuple[object, ...]]:
    return [
        (
            audience.custom_audience_id,
            audience.name,
            audience.ad_account_id,
            len(audience.membership.people()),
            audience.tally.rows_added,
            audience.tally.rows_removed,
        )
        for audience in state.audiences.by_id.values()
    ]


def _budgets(state: FakeState) -> list[tuple[object, ...]]:
    now = state.clock.now()
    return [
        (
            account.ad_account_id,
            account.budget.used(now),
            account.allowance(len(state.audiences.of(account.ad_account_id))),
        )
        for account in state.ad_accounts.values()
    ]


def _calls(state: FakeState) -> list[tuple[object, ...]]:
    newest = islice(state.journal.newest(), CALLS_SHOWN)
    return [(e.method, e.path, e.rows, e.status, e.error_code, e.fault) for e in newest]


def _section(title: str, head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<section><h2>{escape(title)}</h2><table><tr>{names}</tr>{body}</table></section>"


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f'<td class="n">{value:,}</td>'
    return f"<td>{escape('' if value is None else str(value))}</td>"
