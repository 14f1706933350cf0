import io
import json
import logging
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

import pytest
import structlog
from google.protobuf.wrappers_pb2 import StringValue
from hypothesis import example, given
from hypothesis import strategies as st

from service import telemetry
from service.telemetry import ITEMS_MAX, WITHHELD, configure_logging, withhold_private_values
from service.tracing.spans import Kind, span
from tests.unit.tracing.recorded import recorded

HASH = "5e884898da28047151d0e56f8dc6292773603d0d6aabbd62a11ef721d1542d8a"
TOKEN = "EAABsbCS1iHgBAKZCmQ0ZC9ZAvZBZAbXyZ"


@dataclass
class Person:
    email: str = "alice@example.com"


class Colour(StrEnum):
    RED = "red"


class Number(IntEnum):
    ONE = 1


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What a configured service writes; the logs' former configuration comes back afterwards."""
    root = logging.getLogger()
    before, level, show = root.handlers[:], root.level, warnings.showwarning
    stream = io.StringIO()
    configure_logging(level="info", log_format="json", stream=stream)
    yield stream
    logging.captureWarnings(capture=False)
    warnings.showwarning = show
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def only_line(stream: io.StringIO) -> dict[str, Any]:
    [line] = stream.getvalue().splitlines()
    parsed = json.loads(line)
    assert isinstance(parsed, dict)
    return parsed


def fail(reason: str, somebody: str = "") -> None:
    raise ValueError(reason + somebody[:0])


def clean(**values: object) -> dict[str, Any]:
    return dict(withhold_private_values(None, "info", dict(values)))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("bad address alice.b+news@mail.example.co.uk!", "bad address [redacted]!"),
        ("Key (email)=(zoë@exämple.de) exists", "Key (email)=([redacted]) exists"),
        ("GET /people?email=alice%40example.com&page=2", "GET /people?email=[redacted]&page=2"),
        (f"row \\x{HASH} refused", "row \\x[redacted] refused"),
        (f"row {HASH.upper()}{HASH}.", "row [redacted]."),
        (f"token {TOKEN} expired", "token [redacted] expired"),
        ("token ast_4BKKDROs9RYu-Xxeh_S8Vt expired", "token [redacted] expired"),
        ("ast_4BKKDROs9RYu-Xxeh_S8VtW1Ti81xBW983UkBfD29xTco", "[redacted]"),
        ("token 123456789012|AbCdEf_gh-123 expired", "token [redacted] expired"),
        ("/act_1?access_token=short&limit=5", "/act_1?[redacted]&limit=5"),
        ('{"access_token": "short", "a": 1}', '{"[redacted]", "a": 1}'),
        ("Authorization: Bearer abc.def", "Authorization: [redacted]"),
        ("postgresql://me:pw@db:5432/x", "postgresql://[redacted]@db:5432/x"),
        ("called +1 (415) 555-0123 twice", "called [redacted] twice"),
    ],
)
def test_private_parts_of_a_text_are_withheld(text: str, shown: str) -> None:
    assert clean(detail=text) == {"detail": shown}


@pytest.mark.parametrize(
    "text",
    [
        "act_1234567890123456",
        "custom audience 23851234567890123 created",
        "2026-11-23T21:00:00.123456+00:00",
        "fbtrace AbCdEfGhIjK",
        "last_name_of_the_table",
        "10,000 rows @ 95 % of the limit",
        "0123456789abcdef0123456789abcdef",
        "https://graph.facebook.com/v26.0/act_1/customaudiences",
    ],
)
def test_ordinary_texts_stay_as_they_are(text: str) -> None:
    assert clean(event=text) == {"event": text}


def test_plain_values_pass_and_objects_do_not() -> None:
    assert clean(
        rows=10_000,
        percent=0.5,
        ok=True,
        nothing=None,
        colour=Colour.RED,
        message=StringValue(value="Alice"),
        packed=b"\x00\x01",
        person=Person(),
    ) == {
        "rows": 10_000,
        "percent": 0.5,
        "ok": True,
        "nothing": None,
        "colour": "RED",
        "message": "[redacted StringValue]",
        "packed": "[redacted bytes]",
        "person": "[redacted Person]",
    }


def test_values_of_private_names_are_withheld_unless_they_are_counts() -> None:
    shown = clean(first_name="Alice", Token="x", emails=["a"], members=3, nested={"phone": "1"})
    assert shown == {
        "first_name": "[redacted]",
        "Token": "[redacted]",
        "emails": "[redacted]",
        "members": 3,
        "nested": {"phone": "[redacted]"},
    }


def test_collections_are_searched_and_bounded() -> None:
    deep: list[object] = ["a@b.co"]
    for _ in range(10):
        deep = [deep]
    shown = clean(many=list(range(1000)), keys={"a@b.co": (HASH, b"x")}, deep=deep)
    assert len(shown["many"]) == ITEMS_MAX
    assert shown["keys"] == {"[redacted]": ["[redacted]", "[redacted bytes]"]}
    assert "a@b.co" not in str(shown["deep"])


def test_a_huge_text_is_withheld_as_a_whole() -> None:
    assert clean(event="x" * 100_000) == {"event": "[redacted: 100000 characters]"}


@pytest.mark.parametrize("unit", ["a", "a%", "1", "+1 ", "EAA", "a.", "://", "-", "a@"])
def test_searching_a_text_takes_no_long_time(unit: str) -> None:
    text = unit * (32_768 // len(unit))
    start = time.perf_counter()
    clean(event=text)
    assert time.perf_counter() - start < 0.5


PLAIN = st.none() | st.integers() | st.floats() | st.text() | st.binary()


@given(st.dictionaries(st.text(), PLAIN | st.lists(PLAIN) | st.dictionaries(st.text(), PLAIN)))
def test_whatever_is_logged_can_be_written(event: dict[str, Any]) -> None:
    json.dumps(withhold_private_values(None, "info", event))


def test_a_line_carries_level_time_logger_and_context(lines: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(audience_id="vip", note="to a@b.co"):
        structlog.get_logger("service.sync").info("sync_done", rows=3)
    line = only_line(lines)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "sync_done",
        "level": "info",
        "logger": "service.sync",
        "audience_id": "vip",
        "note": "to [redacted]",
        "rows": 3,
    }


def test_a_line_of_what_is_traced_says_where_to_find_it(lines: io.StringIO) -> None:
    with recorded(share=1.0) as spans:
        with span(Kind.CALL, "GetAudience"):
            structlog.get_logger("ours").info("ours")
            logging.getLogger("library").warning("theirs")
        structlog.get_logger("ours").info("afterwards")
    ours, theirs, afterwards = map(json.loads, lines.getvalue().splitlines())
    (made,) = spans.get_finished_spans()
    assert made.context is not None
    ids = (f"{made.context.trace_id:032x}", f"{made.context.span_id:016x}")
    assert [(one["trace_id"], one["span_id"]) for one in (ours, theirs)] == [ids, ids]
    assert not afterwards.keys() & {"trace_id", "span_id"}


def test_a_line_has_no_ids_of_a_trace_that_is_not_kept(lines: io.StringIO) -> None:
    with recorded(share=0.0), span(Kind.CALL, "GetAudience"):
        structlog.get_logger("ours").info("in vain")
    with span(Kind.CALL, "GetAudience"):
        structlog.get_logger("ours").info("without traces")
    for line in lines.getvalue().splitlines():
        assert not json.loads(line).keys() & {"trace_id", "span_id"}


def test_what_not_every_reader_of_json_takes_is_written_so_that_all_do(lines: io.StringIO) -> None:
    structlog.get_logger("service").info("odd", text="one\u2028line", number=1 << 70, half="\ud800")
    assert lines.getvalue().isascii()
    line = only_line(lines)
    assert (line["text"], line["number"], line["half"]) == ("one\u2028line", 1 << 70, "\ud800")


def test_the_address_of_a_caller_is_shown(lines: io.StringIO) -> None:
    for peer in ("ipv4:10.0.0.7:41234", "ipv6:%5B2001:db8::1%5D:41234"):
        structlog.get_logger("service").info("rpc", peer=peer)
    shown = [json.loads(line)["peer"] for line in lines.getvalue().splitlines()]
    assert shown == ["ipv4:10.0.0.7:41234", "ipv6:%5B2001:db8::1%5D:41234"]


def test_a_logger_without_a_name_writes_too(lines: io.StringIO) -> None:
    structlog.get_logger().info("done")
    assert only_line(lines)["logger"] == "service"


def test_lines_below_the_level_are_left_out(lines: io.StringIO) -> None:
    structlog.get_logger("service").debug("detail")
    logging.getLogger("grpc").debug("detail")
    assert lines.getvalue() == ""


def test_a_traceback_is_shown_without_what_is_private(lines: io.StringIO) -> None:
    try:
        fail(f"no such person: alice@example.com, {HASH}")
    except ValueError:
        structlog.get_logger("service").exception("failed")
    line = only_line(lines)
    assert "ValueError: no such person: [redacted], [redacted]" in line["exception"]


@pytest.mark.parametrize("library", ["grpc", "asyncio", "asyncpg", "aiohttp.server"])
def test_lines_of_libraries_pass_the_same_way(library: str, lines: io.StringIO) -> None:
    person = StringValue(value="Alice Miller")
    error = KeyError("alice@example.com")
    logging.getLogger(library).error("%s of %d: %s, %r", error, Number.ONE, person, b"Alice")
    line = only_line(lines)
    assert line["logger"] == library
    assert line["event"] == "[redacted]' of 1: [redacted StringValue], '[redacted bytes]'"


def test_arguments_by_name_are_withheld_too(lines: io.StringIO) -> None:
    logging.getLogger("grpc").error("got %(what)s", {"what": StringValue(value="Alice")})
    assert only_line(lines)["event"] == "got [redacted StringValue]"


def test_a_line_that_cannot_be_written_is_told_without_its_content(
    lines: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(log_format="json", stream=lines)  # without pytest's handler, which raises
    logging.getLogger("grpc").error("%d people", "Alice")
    assert lines.getvalue() == "a log line of grpc could not be written\n"
    assert "Alice" not in capsys.readouterr().err


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError("alice@example.com")


def test_a_line_of_ours_that_cannot_be_written_fails_nobody(lines: io.StringIO) -> None:
    structlog.get_logger("service.rpc").info("rpc", error=Unspeakable())
    assert lines.getvalue() == "a log line of service.rpc could not be written\n"


def test_warnings_become_lines(lines: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("odd: alice@example.com", UserWarning, stacklevel=1)
    assert "odd: [redacted]" in only_line(lines)["event"]


def test_the_console_shows_an_exception_without_local_variables(lines: io.StringIO) -> None:
    configure_logging(log_format="console", stream=lines)
    try:
        fail("12 letters", somebody="Alice Miller")
    except ValueError:
        structlog.get_logger("service").exception("failed")
    assert "ValueError: 12 letters" in lines.getvalue()
    assert "Alice" not in lines.getvalue().replace('somebody="Alice Miller"', "")


PIECES = st.sampled_from(
    [
        *(
            "EAA",
            "ast_",
            "A",
            "b7",
            "3f",
            "a" * 12,
            "9" * 32,
            "0" * 63,
            "f",
            "_",
            "-",
            ".",
            " ",
            "@",
        ),
        *("%40", "+", "|", "=", ":", "Bearer", "token", "access_token", "password", "://"),
        *("x.example", "\n", "é", "ipv4:", "127.0.0.1", "ipv6:%5B", "::1", "%5D:", ":1"),
    ]
)


@given(st.lists(PIECES, max_size=8).map("".join))
def test_a_text_that_is_let_through_quickly_has_nothing_to_withhold(text: str) -> None:
    if telemetry._HARMLESS.fullmatch(text):
        assert telemetry._SECRET_TEXTS.sub(WITHHELD, text) == text


@given(st.lists(PIECES, max_size=8).map("".join))
@example("a" * 63)
@example("ipv6:%5B" + 45 * "f" + "%5D:65535")
def test_no_text_is_let_through_or_searched_because_of_its_length(text: str) -> None:
    assert telemetry._is_harmless(text) == bool(telemetry._HARMLESS.fullmatch(text))
