"""Owns batches: many calls in one request, each answered on its own and in order."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import orjson

from fakefb import graph_errors
from fakefb.answers import Answer, error_answer
from fakefb.call import Call
from fakefb.graph_errors import GraphError
from fakefb.json_paths import value_at
from fakefb.parameters import Parameters, item_parameters
from fakefb.versions import split_version

ITEMS_MAX: Final = 50
"""Calls of one batch."""
METHODS: Final = ("GET", "POST", "DELETE")

_REFERENCE: Final = re.compile(r"\{result=([A-Za-z0-9_-]{1,100}):(\$[^{}]{0,200})\}")
_INHERITED: Final = ("access_token", "appsecret_proof", "appsecret_time")

AnswerItem = Callable[[Call], Awaitable[Answer | None]]
"""Answers one call of a batch, headers complete; None = it timed out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One call of a batch as it was asked for."""

    method: str
    relative_url: str
    body: str
    name: str | None


async def run_batch(batch: Call, answer_item: AnswerItem) -> Answer:
    """Answer all items in order; the whole is 200 whatever they got.

    Raises: GraphError 190 for a bad token of the whole, 100 for a batch that cannot be read.
    """
    text = batch.token_text()
    if text is not None:
        batch.state.tokens.valid(text, batch.now)
    items = read_items(batch.parameters.get("batch"))
    with_headers = batch.parameters.flag("include_headers") is not False
    results: dict[str, object] = {}
    replies: list[object] = []
    for item in items:
        try:
            answer = await answer_item(_item_call(batch, item, results))
        except GraphError as e:
            answer = error_answer(e, batch.state.trace_id())
        if item.name is not None and answer is not None:
            results[item.name] = answer.payload
        replies.append(None if answer is None else _reply(answer, with_headers=with_headers))
    return Answer(200, orjson.dumps(replies))


def read_items(value: object) -> list[Item]:
    """Read the parameter `batch`.

    Raises: GraphError 100 when it is no list of at most 50 calls.
    """
    if not isinstance(value, list) or not value:
        raise graph_errors.missing_required_parameter("batch")
    if len(value) > ITEMS_MAX:
        raise graph_errors.bad_parameter(f"A batch may hold at most {ITEMS_MAX} requests")
    return [_item(entry) for entry in value]


def refuse_nested(_: Call) -> Mapping[str, object]:
    """Refuse a batch inside a batch.

    Raises: GraphError 100 always.
    """
    raise graph_errors.bad_parameter("A batch cannot hold a batch")


def _item(entry: object) -> Item:
    if not isinstance(entry, Mapping):
        raise graph_errors.bad_parameter("Every request of a batch must be an object")
    method, url = entry.get("method", "GET"), entry.get("relative_url")
    body, name = entry.get("body"), entry.get("name")
    if not isinstance(method, str) or method.upper() not in METHODS or not isinstance(url, str):
        raise graph_errors.bad_parameter("A request of a batch needs method and relative_url")
    if body is not None and not isinstance(body, str):
        raise graph_errors.bad_parameter("The body of a request of a batch must be a string")
    if name is not None and not isinstance(name, str):
        raise graph_errors.bad_parameter("The name of a request of a batch must be a string")
    return Item(method=method.upper(), relative_url=url, body=body or "", name=name)


def _item_call(batch: Call, item: Item, results: Mapping[str, object]) -> Call:
    path, _, query = item.relative_url.partition("?")
    _, parts = split_version(_resolved(path, results))
    values = {name: batch.parameters.get(name) for name in _INHERITED}
    values |= {
        name: _resolved(value, results) if isinstance(value, str) else value
        for name, value in item_parameters(query, item.body).items()
    }
    given = {name: value for name, value in values.items() if value is not None}
    parameters = Parameters(given)
    entry = batch.state.journal.begin(
        time=batch.state.clock.now(), method=item.method, path="/" + "/".join(parts)
    )
    return replace(
        batch,
        method=item.method,
        parts=parts,
        parameters=parameters,
        entry=entry,
        now=batch.state.clock.now(),
    )


def _resolved(text: str, results: Mapping[str, object]) -> str:
    """Put what earlier items answered in the place of `{result=name:$.path}`."""

    def value(match: re.Match[str]) -> str:
        name, path = match.groups()
        found = value_at(results.get(name), path)
        if found is None:
            raise graph_errors.bad_parameter(f"The result {name} has nothing at {path}")
        return found

    return _REFERENCE.sub(value, text)


def _reply(answer: Answer, *, with_headers: bool) -> dict[str, object]:
    reply: dict[str, object] = {"code": answer.status}
    if with_headers:
        pairs = answer.headers.items()
        reply["headers"] = [{"name": name, "value": value} for name, value in pairs]
    return reply | {"body": answer.body.decode()}
