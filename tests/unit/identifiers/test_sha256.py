"""The fastest hash of this Python gives what any SHA-256 gives."""

import hashlib
import importlib
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.identifiers import sha256 as chosen

_BUILTIN = ("_sha256", "_sha2")
_PUBLISHED = {
    b"": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    b"abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": (
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
}
"""The examples of FIPS 180-2: of no, one and two blocks."""


@pytest.fixture(params=["builtin", "without"])
def module(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module as it is, and as it is where CPython's own implementation is missing."""
    with monkeypatch.context() as patch:
        if request.param == "without":
            for name in _BUILTIN:
                patch.setitem(sys.modules, name, None)
        yield importlib.reload(chosen)
    importlib.reload(chosen)


def test_published_examples(module: ModuleType) -> None:
    assert {text: module.sha256(text).hex() for text in _PUBLISHED} == _PUBLISHED
    assert [one.hex() for one in module.sha256_each(_PUBLISHED)] == list(_PUBLISHED.values())


def test_every_length_around_a_block(module: ModuleType) -> None:
    texts = [bytes([length]) * length for length in range(200)]
    expected = [hashlib.sha256(text).digest() for text in texts]
    assert [module.sha256(text) for text in texts] == expected
    assert module.sha256_each(texts) == expected


def test_without_the_builtin_it_is_that_of_openssl(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _BUILTIN:
        monkeypatch.setitem(sys.modules, name, None)
    assert chosen.fastest() is hashlib.sha256


@given(st.lists(st.binary(max_size=600), max_size=5))
def test_any_texts(texts: list[bytes]) -> None:
    assert chosen.sha256_each(texts) == [hashlib.sha256(text).digest() for text in texts]
