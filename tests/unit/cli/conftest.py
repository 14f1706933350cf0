"""Fixtures of the commands' tests."""

from collections.abc import Iterator

import pytest

from service.cli.terminal import out


@pytest.fixture(autouse=True)
def wide_output() -> Iterator[None]:
    """What commands print has room, however wide the terminal was when `out` was made."""
    former = out._width
    out.width = 200
    yield
    out._width = former
