"""Owns the chart of an audience: its uploads gathered into columns of equal time."""

from collections.abc import Sequence
from typing import Final

import orjson

from fakefb.history import Upload
from fakefb.page_html import Html, tag

COLUMNS_MAX: Final = 60
"""Columns of the chart."""
STEPS_S: Final = (1, 5, 15, 60, 300, 900, 3_600, 6 * 3_600, 86_400, 7 * 86_400, 28 * 86_400)
"""Widths that a column may have, in seconds."""


def render_chart(uploads: Sequence[Upload]) -> Html:
    """Return the place of the chart with its figures; the script draws them."""
    if not uploads:
        return tag("p", "Nothing has been uploaded yet.", class_="empty")
    return tag(
        "div",
        class_="chart",
        role="img",
        aria_label="People inside, and people added and removed, over time; the same as figures below.",
        data_columns=orjson.dumps(columns_of(uploads)).decode(),
        hx_morph_skip_children=True,
    )


def columns_of(uploads: Sequence[Upload]) -> dict[str, list[int]]:
    """Return times (Unix seconds), people inside at the end, added and removed, by column.

    The columns lie without gaps from one before the first upload to that of the last.
    """
    # The clock goes back when the fake is restored, so that the last upload need not be the latest.
    earliest, latest = (pick(upload.time for upload in uploads) for pick in (min, max))
    step = _step(latest - earliest)
    start = int(earliest // step) - 1
    count = int(latest // step) - start + 1
    first = uploads[0]
    people = [first.people - first.people_added + first.people_removed] * count
    added, removed = [0] * count, [0] * count
    for upload in uploads:
        i = int(upload.time // step) - start
        added[i] += upload.people_added
        removed[i] += upload.people_removed
        people[i:] = [upload.people] * (count - i)
    times = [(start + i) * step for i in range(count)]
    return {"times": times, "people": people, "added": added, "removed": removed}


def _step(span_s: float) -> int:
    fitting = (step for step in STEPS_S if span_s / step <= COLUMNS_MAX)
    return next(fitting, int(span_s / COLUMNS_MAX) + 1)
