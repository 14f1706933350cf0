"""Owns what a fired fault does to a call."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import orjson

from fakefb.answers import Answer, empty_answer, error_answer, html_answer, json_answer
from fakefb.call import Call
from fakefb.fault_rules import Effect
from fakefb.payload import row_count

LOST_ANSWER_HOLD_MAX_S: Final = 600.0
"""Longest time, in seconds, that a caller is left without an answer before it is cut off."""
GONE_CHECK_S: Final = 0.02
"""Seconds between two looks at whether the caller has hung up."""


class CutConnection(Exception):
    """The caller gets a reset; with an answer, after half of its body."""

    def __init__(self, answer: Answer | None = None) -> None:
        super().__init__("the connection is cut")
        self.answer = answer


async def perform_faulty(
    effect: Effect, call: Call, perform: Callable[[], Answer], gone: Callable[[], bool]
) -> Answer:
    """Answer a call as the fault wants it; `gone` tells whether the caller has hung up.

    Raises: CutConnection where there is to be no answer.
    """
    instead = _answer_instead(effect, call)
    if instead is not None:
        return instead
    if effect.reset == "before":
        raise CutConnection
    if effect.apply_late_ms is not None:
        # The write is done even when the caller has given up by then.
        await asyncio.sleep(effect.apply_late_ms / 1_000)
    if effect.short_received is not None:
        _shorten(call, effect.short_received.by)
    return await _after(effect, call, perform(), gone)


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


async def _after(effect: Effect, call: Call, answer: Answer, gone: Callable[[], bool]) -> Answer:
    if effect.reset == "after":
        raise CutConnection
    if effect.truncate_body:
        raise CutConnection(answer)
    if effect.lost_answer:
        await _hold(call, gone)
        raise CutConnection
    if effect.delay_ms is not None:
        await asyncio.sleep(effect.delay_ms / 1_000)
    if effect.invalid_samples_limit is not None:
        return _fewer_samples(answer, effect.invalid_samples_limit.n)
    return answer


async def _hold(call: Call, gone: Callable[[], bool]) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + LOST_ANSWER_HOLD_MAX_S
    while not gone() and loop.time() < end:
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
