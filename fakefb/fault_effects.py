"""Owns what a fired fault does to a call."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final, Protocol

import orjson

from fakefb.answers import Answer, empty_answer, error_answer, html_answer, json_answer
from fakefb.call import Call
from fakefb.fault_rules import Effect
from fakefb.journal import Entry, Watch
from fakefb.payload import row_count

LOST_ANSWER_HOLD_MAX_S: Final = 600.0
"""Longest time, in seconds, that a caller is left without an answer before it is cut off."""
GONE_CHECK_S: Final = 0.02
"""Seconds between two looks at whether the caller has hung up, or the fake is to end."""
_ROW_WRITES: Final = frozenset({"add", "remove", "replace"})


class CutConnection(Exception):
    """The caller gets a reset; with an answer, after half of its body."""

    def __init__(self, answer: Answer | None = None) -> None:
        super().__init__("the connection is cut")
        self.answer = answer


class Line(Protocol):
    """The connection that a call came on."""

    def is_gone(self) -> bool:
        """Tell whether the caller has hung up."""

    def reset(self) -> None:
        """Send a TCP reset now; the call goes on without its caller."""


async def perform_faulty(
    effect: Effect, call: Call, perform: Callable[[], Awaitable[Answer]], line: Line
) -> Answer:
    """Answer a call as the fault wants it.

    Raises: CutConnection where there is to be no answer.
    """
    instead = _answer_instead(effect, call)
    if instead is not None:
        return instead
    if effect.reset == "before":
        raise CutConnection
    await _put_off(effect, call, line)
    if effect.short_received is not None:
        _shorten(call, effect.short_received.by)
    if effect.invalid_rows is not None:
        call.rows_to_refuse = effect.invalid_rows.n
    return await _after(effect, call, await perform(), line)


async def _put_off(effect: Effect, call: Call, line: Line) -> None:
    """Let time pass before the work; it is done even when the caller has given up by then."""
    if effect.reset_apply_late_ms is not None:
        line.reset()
        await _pause(call, effect.reset_apply_late_ms)
    if effect.apply_late_ms is not None:
        await _pause(call, effect.apply_late_ms)
    if effect.reorder_ms is not None and call.entry.operation in _ROW_WRITES:
        await _let_another_pass(call, effect.reorder_ms)
    call.now = call.state.clock.now()


async def _pause(call: Call, milliseconds: int) -> None:
    """Wait, but not longer than the fake lives.

    Raises: CutConnection when it ends first.
    """
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(call.state.closing.wait(), milliseconds / 1_000)
        raise CutConnection


async def _let_another_pass(call: Call, milliseconds: int) -> None:
    mine = call.entry

    def is_later_write(entry: Entry) -> bool:
        same = entry.custom_audience_id == mine.custom_audience_id
        return same and entry.applied and entry.started > mine.started

    loop = asyncio.get_running_loop()
    end = loop.time() + milliseconds / 1_000
    with call.state.journal.watching(Watch(is_later_write, 1)) as watch:
        while loop.time() < end and not call.state.closing.is_set():
            if await watch.wait(min(GONE_CHECK_S, end - loop.time())):
                return


def _answer_instead(effect: Effect, call: Call) -> Answer | None:
    if effect.graph_error is not None:
        return error_answer(effect.graph_error.error(), call.state.trace_id())
    if effect.html is not None:
        return html_answer(effect.html.status)
    if effect.empty is not None:
        return empty_answer(effect.empty.status)
    if effect.json_answer is not None:
        return Answer(effect.json_answer.status, orjson.dumps(effect.json_answer.body))
    return json_answer({"success": False}) if effect.success_false else None


async def _after(effect: Effect, call: Call, answer: Answer, line: Line) -> Answer:
    if effect.reset == "after" or effect.reset_apply_late_ms is not None:
        raise CutConnection
    if effect.truncate_body:
        raise CutConnection(answer)
    if effect.lost_answer:
        await _hold(call, line)
        raise CutConnection
    if effect.delay_ms is not None:
        await _pause(call, effect.delay_ms)
    return _changed(effect, answer)


def _changed(effect: Effect, answer: Answer) -> Answer:
    if effect.invalid_samples_limit is not None:
        return _fewer_samples(answer, effect.invalid_samples_limit.n)
    if effect.invalid_rows is not None:
        return _fewer_samples(answer, effect.invalid_rows.samples)
    if effect.headers is not None:
        return replace(answer, headers={**answer.headers, **effect.headers})
    return answer


async def _hold(call: Call, line: Line) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + LOST_ANSWER_HOLD_MAX_S
    while not line.is_gone() and loop.time() < end:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(call.state.closing.wait(), GONE_CHECK_S)
            return


def _shorten(call: Call, by: int) -> None:
    payload = call.parameters.get("payload")
    if row_count(payload) and isinstance(payload, dict):
        payload["data"] = payload["data"][: max(1, len(payload["data"]) - by)]


def _fewer_samples(answer: Answer, limit: int) -> Answer:
    samples = (answer.payload or {}).get("invalid_entry_samples")
    if answer.payload is None or not isinstance(samples, Mapping):
        return answer
    fewer = dict(list(samples.items())[:limit])
    return replace(answer, body=orjson.dumps({**answer.payload, "invalid_entry_samples": fewer}))
