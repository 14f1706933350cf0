"""Owns what all views share: the document around them, the ways between them, refreshing."""

from typing import Final

from fakefb.page_html import Html, joined, tag

HTMX: Final = "/static/htmx-4.0.1.min.js"
CHART: Final = "/static/uplot-1.6.32.min.js"
CHART_STYLE: Final = "/static/uplot-1.6.32.min.css"

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""Sent with every view: nothing from outside, no script or style inside the HTML."""

REFRESH_MS: Final = 1_000
"""How often a view that refreshes itself asks again."""

_VIEWS: Final = (
    ("/", "Audiences"),
    ("/budgets", "Budgets"),
    ("/faults", "Faults"),
    ("/journal", "Journal"),
)


def document(title: str, here: str, *body: Html) -> str:
    """Return a whole page; `here` is the path of the view it belongs to."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        # Without this htmx would add a style of its own and keep pages in the browser's history.
        tag("meta", name="htmx-config", content='{"includeIndicatorCSS":false,"history":false}'),
        tag("title", f"{title} · fakefb"),
        tag("link", rel="icon", href="/static/icon.svg", type="image/svg+xml"),
        tag("link", rel="stylesheet", href=CHART_STYLE),
        tag("link", rel="stylesheet", href="/static/page.css"),
        *(tag("script", src=src, defer=True) for src in (HTMX, CHART, "/static/page.js")),
    )
    links = joined(_link(path, name, here) for path, name in _VIEWS)
    page = tag(
        "body",
        tag("a", "Skip to the content", href="#content", class_="skip"),
        tag(
            "header",
            tag("p", tag("strong", "fakefb"), " a stand-in for Facebook", class_="brand"),
            tag("nav", tag("ul", links), aria_label="Views"),
        ),
        tag("main", tag("h1", title), *body, id="content", tabindex=-1),
    )
    return "<!DOCTYPE html>" + tag("html", head, page, lang="en")


def live(path: str, content: Html, **attributes: object) -> Html:
    """Return content that asks `path` for its successor; what did not change keeps its focus."""
    return tag(
        "div",
        content,
        hx_get=path,
        hx_trigger=f"every {REFRESH_MS}ms",
        hx_swap="innerMorph",
        **attributes,
    )


def section(title: str, *content: Html) -> Html:
    """Return a part of a view under a heading."""
    return tag("section", tag("h2", title), *content)


def facts(pairs: dict[str, object]) -> Html:
    """Return names with their values."""
    return tag(
        "dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs.items())
    )


def _link(path: str, name: str, here: str) -> Html:
    current = "page" if path == here else None
    return tag("li", tag("a", name, href=path, aria_current=current))
