"""What may happen in a history, and how Hypothesis draws it."""

from dataclasses import dataclass, field
from typing import Any

from audiencesync.v1 import audience_sync_pb2 as pb
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fakefb.matching import Matching
from fakefb.membership import Removal
from tests.simulation.callers import Someone

EMAILS = tuple(f"reader{n}@mail.example" for n in range(6))
PHONES = tuple(f"+4915112345{n:02}" for n in range(3))
NAMES = (("Ann", "Smith", "90210"), ("Bob", "Jones", "10001"))
MEMBERS = tuple(f"member-{n}@crm.example" for n in range(6))
LATE_MEMBERS = tuple(f"member-{n}@shop.example" for n in range(2))
"""Members of whom is always said when it occurred."""
REPLICAS = 2


DISTURBANCES = (
    "faults",
    "kill",
    "stop",
    "drain",
    "cut_database",
    "database_down",
    "facebook_down",
    "step_clock",
    "pause",
    "fail_over",
    "lose_audience",
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens `after_s` seconds after the event before it."""

    after_s: float
    kind: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class History:
    """What Facebook knows, how it reads rows, and what happens."""

    seed: int
    people: tuple[Someone, ...]
    matching: Matching
    removal: Removal
    events: tuple[Event, ...]

    def has(self, *kinds: str) -> bool:
        return any(event.kind in kinds for event in self.events)


def _some(values: tuple[Any, ...], most: int) -> SearchStrategy[tuple[Any, ...]]:
    return st.lists(st.sampled_from(values), max_size=most, unique=True).map(tuple)


SOMEONE = st.builds(
    Someone,
    emails=_some(EMAILS, 3),
    phones=_some(PHONES, 2),
    names=st.sampled_from(((), (), (), *NAMES)),
)
STRANGERS = st.lists(SOMEONE, min_size=1, max_size=6).map(tuple)
"""People who may have several identifiers, and share them: what a difference cannot see."""
NEIGHBOURS = (
    *(Someone(emails=(email,)) for email in EMAILS),
    *(Someone(phones=(phone,)) for phone in PHONES),
)
"""One person for each identifier: a difference sees everything."""

MEMBERS_TOLD = st.dictionaries(
    st.sampled_from(MEMBERS), st.one_of(st.none(), SOMEONE, SOMEONE), min_size=1, max_size=4
)
PLAIN = st.builds(
    lambda email, names: Someone(emails=(email,), names=names),
    st.sampled_from(EMAILS),
    st.sampled_from(((), *NAMES)),
)
"""Members who fit in columns."""
FIRST_LIST = st.dictionaries(
    st.sampled_from(MEMBERS), st.one_of(SOMEONE, PLAIN, PLAIN), min_size=2, max_size=6
)
GAPS = st.sampled_from((0.0, 0.0, 0.1, 0.5, 2.0, 10.0, 45.0, 400.0, 3700.0))
REPLICA = st.integers(0, REPLICAS - 1)


def _event(kind: str, **values: SearchStrategy[Any]) -> SearchStrategy[Event]:
    return st.builds(Event, GAPS, st.just(kind), st.fixed_dictionaries(values))


def _graph_error(code: int, subcode: int | None = None, status: int = 400) -> dict[str, Any]:
    return {"graph_error": {"code": code, "subcode": subcode, "http_status": status}}


BUSY = _graph_error(2650, 1870145)
THROTTLE = _graph_error(80003, 2446079)
TOO_SMALL = _graph_error(200, 1870047)
UPLOAD_EFFECTS: tuple[dict[str, Any], ...] = (
    {"lost_answer": True},
    {"reset": "before"},
    {"reset": "after"},
    {"truncate_body": True},
    {"short_received": {"by": 1}},
    {"success_false": True},
    {"apply_late_ms": 20_000},
    {"apply_late_ms": 45_000},
    {"reset_apply_late_ms": 10_000},
    {"reset_apply_late_ms": 55_000},
    {"reset_apply_late_ms": 300_000},
    {"delay_ms": 29_000},
    {"delay_ms": 31_000},
    {"reorder_ms": 20_000},
    {"html": {"status": 502}},
    {"html": {"status": 400}},
    {"empty": {"status": 500}},
    {"json": {"status": 500, "body": {"a": 1}}},
    {"json": {"status": 200, "body": {"num_received": 0}}},
    _graph_error(2, status=500),
    _graph_error(1, 99, status=500),
    _graph_error(803),
    BUSY,
    TOO_SMALL,
    THROTTLE,
    _graph_error(190, 463),
    _graph_error(200, 1870034),
    _graph_error(100, 1713230),
    _graph_error(368),
    _graph_error(105),
    {"invalid_rows": {"n": 1, "samples": 1}},
    {"invalid_rows": {"n": 1, "samples": 0}},
    {"invalid_rows": {"n": 2, "samples": 1}},
)
OTHER_EFFECTS: tuple[dict[str, Any], ...] = (
    {"lost_answer": True},
    {"reset": "before"},
    {"reset": "after"},
    {"reset_apply_late_ms": 20_000},
    {"html": {"status": 502}},
    _graph_error(2, status=500),
    THROTTLE,
    _graph_error(190, 463),
)


def _rule(operations: tuple[str, ...], effects: tuple[dict[str, Any], ...]) -> Any:
    return st.builds(
        lambda operation, nth, times, effect: {
            "match": {"operation": operation, "nth": nth, "times": times},
            "effect": effect,
        },
        st.sampled_from(operations),
        st.integers(1, 3),
        st.sampled_from((1, 1, 1, 2, 7)),
        st.sampled_from(effects),
    )


FAULTS = st.lists(
    st.one_of(
        _rule(("add", "remove"), UPLOAD_EFFECTS),
        _rule(("add", "remove"), UPLOAD_EFFECTS),
        _rule(("create", "read", "list", "update"), OTHER_EFFECTS),
    ),
    min_size=1,
    max_size=3,
)
DURATIONS = st.sampled_from((1.0, 20.0, 40.0, 70.0, 200.0, 4000.0))

LATE = _event(
    "tell",
    members=st.dictionaries(
        st.sampled_from(LATE_MEMBERS), st.one_of(st.none(), SOMEONE), min_size=1
    ),
    again_after=st.sampled_from((None, None, 400.0)),
    late_s=st.sampled_from((0.0, 0.3, 5.0, 500.0, 5000.0)),
)
CHUNK_MEMBERS = st.integers(1, 3)
LIST = _event(
    "list",
    members=st.dictionaries(st.sampled_from(MEMBERS), SOMEONE, max_size=6),
    replaces=st.booleans(),
    chunk_members=CHUNK_MEMBERS,
)
ORDERLY = st.one_of(
    LATE,
    LIST,
    _event("tell", members=MEMBERS_TOLD, again_after=st.just(None)),
    _event("tell", members=MEMBERS_TOLD, again_after=st.sampled_from((0.5, 100.0, 3700.0))),
    _event("ask", mode=st.just(pb.Sync.MODE_CHANGES)),
    _event("ask", mode=st.sampled_from((pb.Sync.MODE_CHANGES, pb.Sync.MODE_REFRESH))),
)
HOSTILE = st.one_of(
    _event("faults", rules=FAULTS),
    _event("kill", replica=REPLICA, steps=st.integers(0, 60), down_s=DURATIONS),
    _event("stop", replica=REPLICA, for_s=DURATIONS),
    _event("drain", replica=REPLICA, down_s=DURATIONS),
    _event("cut_database", times=st.integers(1, 4)),
    _event("database_down", for_s=st.sampled_from((1.0, 20.0, 70.0, 200.0))),
    _event("facebook_down", for_s=DURATIONS),
    _event("step_clock", by_s=st.sampled_from((-300.0, -20.0, 20.0, 90.0, 5000.0))),
    _event("pause", for_s=DURATIONS),
    _event("fail_over", within_s=st.sampled_from((0.05, 0.5, 3.0, 30.0))),
    _event("lose_audience"),
)


def _after_a_first_list(
    events: SearchStrategy[Event], least: int, most: int
) -> SearchStrategy[tuple[Event, ...]]:
    first = st.one_of(
        _event("tell", members=FIRST_LIST, again_after=st.just(None)),
        _event("list", members=FIRST_LIST, replaces=st.just(False), chunk_members=CHUNK_MEMBERS),
    )
    rest = st.lists(events, min_size=least, max_size=most)
    return st.builds(lambda begun, happens: (begun, *happens), first, rest)


EVENTS = _after_a_first_list(st.one_of(ORDERLY, ORDERLY, HOSTILE), 6, 26)
CALM_EVENTS = _after_a_first_list(ORDERLY, 3, 16)


def faulty_events(effects: tuple[dict[str, Any], ...]) -> SearchStrategy[tuple[Event, ...]]:
    """Histories in which uploads meet these effects, again and again."""
    faults = _event("faults", rules=st.lists(_rule(("add", "remove"), effects), min_size=2))
    return _after_a_first_list(st.one_of(ORDERLY, ORDERLY, faults), 8, 20)


FEW_MEMBERS = MEMBERS[:3]
COUPLE = st.builds(Someone, emails=_some(EMAILS[:3], 2))
"""Members who are likely to share an e-mail."""
SHARING_EVENTS = _after_a_first_list(
    _event(
        "tell",
        members=st.dictionaries(
            st.sampled_from(FEW_MEMBERS), st.one_of(st.none(), COUPLE), min_size=1, max_size=2
        ),
        again_after=st.just(None),
    ),
    3,
    16,
)
"""Histories in which members who share an e-mail come and leave."""
REPEATING_EVENTS = _after_a_first_list(
    _event(
        "tell",
        members=st.dictionaries(
            st.sampled_from(FEW_MEMBERS), st.one_of(st.none(), SOMEONE), min_size=1, max_size=2
        ),
        again_after=st.sampled_from((0.5, 100.0, 3700.0)),
    ),
    3,
    16,
)
"""Histories in which every call is made twice, often after a later one."""

READINGS = st.tuples(st.sampled_from(Matching), st.sampled_from(Removal))


def histories(events: SearchStrategy[tuple[Event, ...]] = EVENTS) -> SearchStrategy[History]:
    return st.builds(
        lambda seed, people, reading, happens: History(
            seed, people, reading[0], reading[1], happens
        ),
        st.integers(0, 2**32 - 1),
        st.one_of(STRANGERS, st.just(NEIGHBOURS)),
        READINGS,
        events,
    )
