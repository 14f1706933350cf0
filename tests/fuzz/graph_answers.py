"""Answers that Facebook, or something in its place, might give to a membership call."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st

AUDIENCE: Final = "120000000000000001"

Cells: TypeAlias = frozenset[tuple[str, str]]
"""A row as it stands on the wire: its keys with their values, blanks left out."""


class Ending(StrEnum):
    """How far the answer comes."""

    WHOLE = "WHOLE"
    CUT = "CUT"
    """Half of it, then the connection is closed."""
    RESET = "RESET"
    SILENT = "SILENT"
    """Nothing at all."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt, or what is left of one after its fields were overwritten."""

    received_off_by: int = 0
    invalid: object = None
    """None: as many as there are samples."""
    samples: tuple[int, ...] = ()
    """Which rows are echoed as refused; those that were not sent are left out."""
    as_list: bool = False
    overwritten: dict[str, object] = field(default_factory=dict)

    def write(self, texts: Sequence[str], audience_id: str) -> bytes:
        echoed = [texts[at] for at in self.samples if at < len(texts)]
        receipt: dict[str, object] = {
            "audience_id": audience_id,
            "session_id": "8812",
            "num_received": len(texts) + self.received_off_by,
            "num_invalid_entries": len(echoed) if self.invalid is None else self.invalid,
            "invalid_entry_samples": echoed if self.as_list else dict.fromkeys(echoed, "bad"),
        }
        return json.dumps(receipt | self.overwritten).encode()


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same bytes whatever was sent."""

    content: bytes

    def write(self, texts: Sequence[str], audience_id: str) -> bytes:
        return self.content


@dataclass(frozen=True, slots=True)
class Told:
    """One answer."""

    body: Receipt | Fixed = Receipt()
    http_status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    ending: Ending = Ending.WHOLE


CLEAN: Final = Told()

_numbers = st.sampled_from(
    [0, 1, -1, 2, 100, 10_000, 2**31, 2**63, 10**30, 0.5, 1e308, float("nan"), float("inf")]
)
_texts = st.sampled_from(
    ["", "0", "1", "2", "-1", "9" * 40, "\u0661", "true", "[]", AUDIENCE, "act_1", "\x00", "😀" * 3]
)
_scalars = st.none() | st.booleans() | _numbers | _texts
_values: st.SearchStrategy[Any] = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=5,
)
_FIELDS: Final = (
    "audience_id",
    "session_id",
    "num_received",
    "num_invalid_entries",
    "invalid_entry_samples",
    "error",
    "success",
)
_samples = st.lists(st.integers(0, 7), max_size=4, unique=True).map(tuple)

clean_receipts = st.just(Receipt())
receipts_of_refused_rows = st.builds(
    Receipt,
    invalid=st.none() | st.integers(0, 9),
    samples=_samples,
    as_list=st.booleans(),
)
nearly_receipts = st.builds(
    Receipt,
    received_off_by=st.sampled_from([0, 0, 0, -1, 1]),
    invalid=st.none() | _values,
    samples=_samples,
    overwritten=st.dictionaries(st.sampled_from(_FIELDS), _values, max_size=2),
)
receipts_with_one_thing_wrong = st.builds(
    Receipt, received_off_by=st.sampled_from([-1, 1])
) | st.builds(
    Receipt, overwritten=st.dictionaries(st.sampled_from(_FIELDS), _values, min_size=1, max_size=1)
)

CODES: Final = (
    *((1, None), (1, 99), (2, None), (4, None), (17, 2446079), (80003, 2446079), (100, 33)),
    *((100, None), (100, 1713230), (105, None), (190, 463), (200, None), (200, 1870047)),
    *((200, 1870034), (294, None), (368, None), (803, None), (960, None), (2650, 1870145)),
    *((2650, None), (2655, None), (5000, None), (-1, 0), (10**30, None), ("190", "463")),
)


@st.composite
def errors(draw: st.DrawFn) -> Fixed:
    """Graph's envelope with a code, sometimes with fields of a wrong type."""
    code, subcode = draw(st.sampled_from(CODES))
    envelope: dict[str, object] = {"message": "said so", "code": code, "fbtrace_id": "AbC"}
    if subcode is not None:
        envelope["error_subcode"] = subcode
    wrong = st.dictionaries(
        st.sampled_from(["code", "error_subcode", "is_transient", "message", "fbtrace_id"]),
        _values,
        max_size=1,
    )
    if draw(st.booleans()):
        envelope |= draw(wrong)
    return Fixed(json.dumps({"error": envelope}).encode())


_PAGE: Final = b"<!DOCTYPE html><html><title>Facebook | Error</title>Sorry, success</html>"
rubbish = st.builds(
    Fixed,
    st.one_of(
        st.sampled_from(
            [b"", b" ", b"{}", b"null", b"[]", b'"ok"', b"{", _PAGE, b"\xef\xbb\xbf{}"]
        ),
        st.binary(max_size=30),
        _values.map(lambda value: json.dumps(value).encode()),
        st.sampled_from([b"[" * 3_000, b'{"a":' * 3_000, b'{"num_received": NaN}']),
    ),
)

HEADERS: Final = (
    *("X-Business-Use-Case-Usage", "X-App-Usage", "X-Ad-Account-Usage", "Retry-After"),
    *("Content-Type", "Content-Encoding", "x-fb-trace-id", "facebook-api-version", "Location"),
)


@st.composite
def _usage(draw: st.DrawFn) -> str:
    """A usage header with figures that are none."""
    names = ("call_count", "total_cputime", "estimated_time_to_regain_access", "acc_id_util_pct")
    entry = draw(
        st.dictionaries(
            st.sampled_from([*names, "reset_time_duration", "type"]), _values, max_size=3
        )
    )
    entry = draw(st.sampled_from([entry, {"type": "custom_audience"} | entry]))
    owners = draw(st.sampled_from([entry, [entry], {"7": [entry]}, {"7": entry}, {"7": [[entry]]}]))
    return json.dumps(owners)


_header_values = st.one_of(
    _usage(),
    _usage(),
    st.sampled_from(
        [
            *("", "0", "-1", "1e400", "NaN", "soon", "Wed, 21 Oct 2099 07:28:00 GMT", "[" * 500),
            *("text/html", "TEXT/HTML; charset=x", "application/json; charset=utf-16", "gzip", "é"),
        ]
    ),
)
headers = st.lists(st.tuples(st.sampled_from(HEADERS), _header_values), max_size=2).map(tuple)
http_statuses = st.just(200) | st.sampled_from(
    [200, 201, 202, 204, 206, 301, 304, 400, 400, 401, 403, 404, 413, 414, 429, 500, 502, 599, 999]
)
endings = st.sampled_from([*[Ending.WHOLE] * 12, Ending.CUT, Ending.RESET, Ending.SILENT])

answers = st.one_of(
    st.builds(Told, body=receipts_of_refused_rows),
    st.builds(
        Told,
        body=st.one_of(
            clean_receipts, receipts_of_refused_rows, nearly_receipts, errors(), rubbish
        ),
        http_status=http_statuses,
        headers=headers,
        ending=endings,
    ),
    st.builds(Told, body=errors(), http_status=st.sampled_from([200, 400, 403, 500])),
    st.builds(Told, body=nearly_receipts),
    st.builds(Told, body=receipts_with_one_thing_wrong),
    st.builds(Told, http_status=http_statuses, headers=headers, ending=endings),
)

NO_RECEIPTS: Final = (
    *(Told(http_status=status) for status in (201, 202, 204, 206, 301, 400, 500, 503, 999)),
    *(Told(ending=ending) for ending in Ending if ending is not Ending.WHOLE),
    Told(headers=(("Content-Type", "text/html"),)),
    Told(headers=(("Content-Encoding", "gzip"),)),
    *(Told(body=Receipt(received_off_by=off_by)) for off_by in (-1, 1)),
    *(
        Told(body=Receipt(overwritten={name: wrong}))
        for name, wrongs in {
            "num_received": (None, True, 8.0, [8], {}, "", "8.0", -8, 10**30, float("nan")),
            "num_invalid_entries": (None, False, 0.5, -1, "", "none", [], {}, float("inf")),
            "audience_id": ("1", 1, True, [], {}, "", AUDIENCE + "0"),
            "error": (None, {}, [], "", {"code": 1}, {"code": "x"}),
            "success": (False, "false"),
        }.items()
        for wrong in wrongs
    ),
    *(Told(body=Fixed(content)) for content in (b"", b"{}", b"[]", b"null", _PAGE, b"[" * 9_000)),
)
"""Answers to eight rows that look well from afar."""
