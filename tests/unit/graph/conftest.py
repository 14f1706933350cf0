"""Fixtures of the graph tests, and the repair that aioresponses needs beside aiohttp 3.14."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from unittest.mock import Mock

import aiohttp
import pytest
from aiohttp.client_proto import ResponseHandler
from aioresponses import aioresponses, core

from service.graph.client import GraphClient
from service.graph.transport import open_http_session
from tests.unit.graph.builders import BASE_URL


class _Response(aiohttp.ClientResponse):
    """aioresponses 0.7.9 leaves out an argument that aiohttp 3.14 demands."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("stream_writer", Mock(output_size=0))
        super().__init__(*args, **kwargs)


def _stream_reader(loop: Any = None) -> aiohttp.StreamReader:
    """A reader whose protocol has a parser: without one, bodies above 64 KiB fail."""
    protocol = ResponseHandler(loop=loop)
    protocol._parser = Mock(feed_data=Mock(return_value=((), False, b"")))
    return aiohttp.StreamReader(protocol, limit=2**16, loop=loop)


core.ClientResponse = _Response  # type: ignore[attr-defined]
core.stream_reader_factory = _stream_reader  # type: ignore[attr-defined]


@pytest.fixture
def facebook() -> Iterator[aioresponses]:
    with aioresponses() as mocked:
        yield mocked


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_http_session() as opened:
        yield opened


@pytest.fixture
def client(session: aiohttp.ClientSession) -> GraphClient:
    return GraphClient(session, base_url=BASE_URL)
