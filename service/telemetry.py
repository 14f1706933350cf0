"""Configures the logs, and keeps identifiers and tokens out of them as the last line of defence.

Every line passes here, ours by structlog and those of libraries by `logging`: JSON for machines,
one coloured line for people at a terminal. Code must not log what is private; should it do so by
mistake, or a library quote it in an error, the value is withheld here.
"""

import contextlib
import functools
import json
import logging
import re
import sys
import uuid
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from service.tracing.spans import trace_ids

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["auto", "json", "console"]

WITHHELD: Final = "[redacted]"
TEXT_CHARS_MAX: Final = 32_768
"""A longer text in a log line is withheld as a whole: nobody reads it, and searching it takes time."""
ITEMS_MAX: Final = 100
"""Entries of one collection that a log line shows."""
KEYS_KEPT_MAX: Final = 512
"""Keys of log lines that are remembered as they were written."""
TEXTS_KEPT_MAX: Final = 1_024
"""Short texts of log lines of which it is remembered whether they are harmless."""
HARMLESS_CHARS_MAX: Final = 63
"""Characters of the longest text that `_HARMLESS` lets pass."""
DEPTH_MAX: Final = 5
"""Levels of collections inside collections that a log line shows."""

_SECRET_KEYS: Final = frozenset(
    {
        *("access_token", "app_secret", "appsecret_proof", "authorization", "password"),
        *("sealing_keys", "secret", "token", "payload", "request", "response"),
        *("birthday", "email", "emails", "first_name", "last_name", "phone", "phones"),
        *("member", "member_id", "members", "mobile_ad_ids", "traits"),
    }
)
_SECRET_TEXTS: Final = re.compile(
    r"""
      (?<=://) [^\s/@]+ (?=@)                                   # user:password in an address
    | (?: access_token|app_secret|appsecret_proof|input_token|client_secret|fb_exchange_token|password )
      ["']? \s* [=:] \s* ["']? [^\s"'&,;)}\]]+                  # by its name
    | \b Bearer \s+ \S+
    | \b EAA [A-Za-z0-9]{12,}                                   # Facebook's access tokens
    | \b \d{6,} \| [\w-]{8,}                                    # and those of an app
    | \b ast_ [\w-]{12,}                                        # our callers' tokens
    | (?<! [^\s@<>"(),;:\[\]{}=|\\] )                          # e-mail, looked for once a word:
      (?: (?!%40) [^\s@<>"(),;:\[\]{}=|\\] )+                 # the search takes linear time
      (?: @|%40 ) [\w-]+ (?: \.[\w-]+ )+
    | (?<![0-9a-fA-F]) [0-9a-fA-F]{64,}                         # SHA-256 of an identifier, packed rows
    | \+ \d [\d\ ().-]{6,} \d                                   # phone
    """,
    re.VERBOSE,
)

_HARMLESS: Final = re.compile(
    r"""
      (?!.*(?:EAA|ast_)) [\w.-]{0,63}
    | ipv4: [\d.]{7,15} : \d{1,5}                  # a caller's address
    | ipv6:%5B [0-9a-f:.]{2,45} %5D: \d{1,5}
    """,
    re.VERBOSE,
)
"""Most texts of most lines, told quickly: none of the above is as short and made of these alone."""


def configure_logging(
    *,
    level: LogLevel = "info",
    log_format: LogFormat = "auto",
    stream: TextIO | None = None,
) -> None:
    """Send every log line, ours and those of libraries, to `stream` (default: standard error).

    Replaces handlers set before; `auto` is console on a terminal and JSON elsewhere.
    """
    target = stream if stream is not None else sys.stderr
    render = _renderer(log_format, target)
    handler = _Handler(target)
    handler.addFilter(_withhold_arguments)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_collectors(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_finish(render),
            ],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[*_collectors(), _as_it_is],
        logger_factory=functools.partial(_OwnLines, handler, _finish(render)),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )


def withhold_private_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """As a structlog processor: let only plain values pass, with private parts of texts withheld."""
    return {_clean_key(key): _clean(value, key) for key, value in event.items()}


def add_trace_ids(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """As a structlog processor: say in which trace and span the line belongs, if in any."""
    event.update(trace_ids())
    return event


def _collectors() -> Sequence[Processor]:
    return (
        structlog.contextvars.merge_contextvars,
        add_trace_ids,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
    )


def _finish(render: Processor) -> Sequence[Processor]:
    """What becomes of an event at last. The time is ours, so it is not searched."""
    return (
        structlog.processors.format_exc_info,
        withhold_private_values,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        render,
    )


def _renderer(log_format: LogFormat, stream: TextIO) -> Processor:
    if log_format == "json" or (log_format == "auto" and not stream.isatty()):
        return _as_json
    # The other ways to print an exception show local variables.
    return structlog.dev.ConsoleRenderer(
        colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
    )


def _as_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    """As JSON in ASCII, where no character ends a line. Mostly it is: then the quick way gives it."""
    with contextlib.suppress(TypeError):  # a number or a text that it does not take
        raw = orjson.dumps(event)
        if raw.isascii():
            return raw.decode("ascii")
    return json.dumps(event)


def _clean(value: object, key: str = "", depth: int = 0) -> object:
    if type(value) is str:  # as most are: the cases below say the same, but not as quickly
        if _is_secret(key):
            return WITHHELD
        return value if _is_harmless(value) else _clean_text(value)
    return _clean_any(value, key, depth)


def _clean_any(value: object, key: str, depth: int) -> object:
    match value:
        case Enum():
            return value.name
        case None | bool() | int() | float():
            return value
        case _ if _is_secret(key):
            return WITHHELD
        case str():
            return _clean_text(value)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case uuid.UUID() | Path() | BaseException():
            return _clean_text(str(value))
        case Mapping() | list() | tuple() | AbstractSet() if depth < DEPTH_MAX:
            return _clean_collection(value, depth + 1)
        case _:
            return f"{WITHHELD[:-1]} {type(value).__name__}]"


def _clean_collection(
    value: Mapping[Any, Any] | list[Any] | tuple[Any, ...] | AbstractSet[Any],
    depth: int,
) -> object:
    if isinstance(value, Mapping):
        shown = list(value.items())[:ITEMS_MAX]
        return {_clean_text(str(key)): _clean(item, str(key), depth) for key, item in shown}
    return [_clean(item, depth=depth) for item in list(value)[:ITEMS_MAX]]


# Remembered of keys: they are mostly names in the code, and every line has ten.
@functools.lru_cache(maxsize=KEYS_KEPT_MAX)
def _clean_key(key: str) -> str:
    return _clean_text(key)


@functools.lru_cache(maxsize=KEYS_KEPT_MAX)
def _is_secret(key: str) -> bool:
    return key.lower() in _SECRET_KEYS


def _is_harmless(text: str) -> bool:
    return len(text) <= HARMLESS_CHARS_MAX and _is_harmless_short(text)


# Remembered too: a line has nine texts, mostly the same as those before it.
@functools.lru_cache(maxsize=TEXTS_KEPT_MAX)
def _is_harmless_short(text: str) -> bool:
    return _HARMLESS.fullmatch(text) is not None


def _clean_text(text: str) -> str:
    if _is_harmless(text):
        return text
    if len(text) > TEXT_CHARS_MAX:
        return f"[redacted: {len(text)} characters]"
    return _SECRET_TEXTS.sub(WITHHELD, text)


def _withhold_arguments(record: logging.LogRecord) -> bool:
    """Clean a library's arguments before they become part of its text, where no type tells any more."""
    match record.args:
        case tuple():
            record.args = tuple(_clean_argument(argument) for argument in record.args)
        case Mapping():
            record.args = {key: _clean_argument(value) for key, value in record.args.items()}
    return True


def _clean_argument(argument: object) -> object:
    """Numbers stay as they are, named ones too: the text may format them as numbers."""
    return argument if isinstance(argument, int | float) else _clean(argument)


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines; a line that cannot be written is told without its content, unlike logging's own."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        self.tell_unwritten(record.name)

    def write(self, line: str) -> None:
        """Write a line that is finished."""
        with self.lock or contextlib.nullcontext():
            self.stream.write(line + self.terminator)
            self.stream.flush()

    def tell_unwritten(self, name: str) -> None:
        self.stream.write(f"a log line of {name} could not be written\n")


class _OwnLines:
    """The lines of one of our own loggers: to the handler without `logging`, which costs the most."""

    def __init__(
        self, handler: _Handler, processors: Sequence[Processor], name: str = "service"
    ) -> None:
        self.name = name
        self._handler = handler
        self._processors = processors

    def write(self, event: EventDict) -> None:
        """Finish an event and write it; one that cannot be is no failure of whoever logs it."""
        try:
            done: Any = event
            for process in self._processors:
                done = process(self, "", done)
            self._handler.write(done)
        except Exception:  # noqa: BLE001 - as logging does
            self._handler.tell_unwritten(self.name)

    debug = info = warning = error = critical = write


def _as_it_is(_: WrappedLogger, __: str, event: EventDict) -> tuple[tuple[EventDict], EventDict]:
    """Hand the event over as it is: structlog would make keywords of it."""
    return (event,), {}
