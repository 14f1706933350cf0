import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.store.sealing import (
    Keyring,
    SealingError,
    SealingKeysError,
    load_or_create_key_file,
    sealing_key_id,
)


def key(letter: str) -> str:
    return base64.b64encode(letter.encode() * 32).decode()


OLD = f"old:{key('a')}"
NEW = f"new:{key('b')}"


@given(st.text(), st.text())
def test_what_was_sealed_opens_for_the_same_record(plaintext: str, record: str) -> None:
    keys = Keyring.from_text(OLD)
    assert keys.unseal(keys.seal(plaintext, record=record), record=record) == plaintext


def test_a_token_copied_into_another_record_does_not_open() -> None:
    keys = Keyring.from_text(OLD)
    sealed = keys.seal("EAAsecret", record="act_1")
    with pytest.raises(SealingError, match="for another record"):
        keys.unseal(sealed, record="act_2")


def test_two_seals_of_one_text_differ_and_do_not_show_it() -> None:
    keys = Keyring.from_text(OLD)
    first, second = (keys.seal("EAAsecret", record="act_1") for _ in range(2))
    assert first != second
    assert b"EAAsecret" not in first


def test_the_first_key_seals_and_all_keys_open() -> None:
    sealed_before = Keyring.from_text(OLD).seal("EAAsecret", record="act_1")
    rotated = Keyring.from_text(f"{NEW}, {OLD}")
    assert rotated.unseal(sealed_before, record="act_1") == "EAAsecret"
    assert sealing_key_id(rotated.seal("x", record="act_1")) == "new"


def test_a_missing_key_is_named_by_its_id_only() -> None:
    sealed = Keyring.from_text(OLD).seal("EAAsecret", record="act_1")
    with pytest.raises(SealingError, match="'old' is missing") as caught:
        Keyring.from_text(NEW).unseal(sealed, record="act_1")
    assert "EAAsecret" not in str(caught.value)


def test_another_key_of_the_same_id_does_not_open() -> None:
    sealed = Keyring.from_text(OLD).seal("EAAsecret", record="act_1")
    with pytest.raises(SealingError, match="another key called 'old'"):
        Keyring.from_text(f"old:{key('z')}").unseal(sealed, record="act_1")


@given(st.binary(max_size=80))
def test_any_other_bytes_are_refused_in_our_own_words(garbage: bytes) -> None:
    with pytest.raises(SealingError):
        Keyring.from_text(OLD).unseal(garbage, record="act_1")


@given(st.data())
def test_one_changed_byte_is_noticed(data: st.DataObject) -> None:
    keys = Keyring.from_text(OLD)
    sealed = bytearray(keys.seal("EAAsecret", record="act_1"))
    position = data.draw(st.integers(0, len(sealed) - 1))
    sealed[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealingError):
        keys.unseal(bytes(sealed), record="act_1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "entry 1 is not"),
        (f"{OLD},", "entry 2 is not"),
        (key("a"), "entry 1 is not"),
        (f"bad id:{key('a')}", "entry 1 is not"),
        (f"{OLD},old:{key('b')}", "'old' is there twice"),
        ("k:c2hvcnQ=", "'k' is not 32 bytes"),
        (f"k:{key('a')[:-4]}!!!=", "'k' is not 32 bytes"),
        ("k:naïve", "'k' is not 32 bytes"),
    ],
)
def test_unusable_keys_are_refused_without_showing_them(text: str, said: str) -> None:
    with pytest.raises(SealingKeysError, match=said) as caught:
        Keyring.from_text(text)
    assert key("a")[:20] not in str(caught.value)


def test_repr_hides_the_keys() -> None:
    assert repr(Keyring.from_text(OLD)) == "Keyring(sealing_id='old')"


def test_a_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "sealing.key"
    sealed = load_or_create_key_file(path).seal("EAAsecret", record="act_1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_key_file(path).unseal(sealed, record="act_1") == "EAAsecret"
    assert list(tmp_path.iterdir()) == [path]


def test_all_who_make_a_key_file_at_once_get_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        rings = list(threads.map(lambda _: load_or_create_key_file(tmp_path / "k"), range(8)))
    sealed = rings[0].seal("EAAsecret", record="act_1")
    assert {ring.unseal(sealed, record="act_1") for ring in rings} == {"EAAsecret"}


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sealing.key"
    load_or_create_key_file(path)
    path.chmod(0o640)
    with pytest.raises(SealingKeysError, match="chmod 600"):
        load_or_create_key_file(path)


def test_a_damaged_key_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sealing.key"
    path.touch(mode=0o600)
    with pytest.raises(SealingKeysError, match=r"sealing\.key: entry 1"):
        load_or_create_key_file(path)


def test_keys_may_stand_on_lines_of_their_own() -> None:
    text = f"{NEW}\r\n{OLD} ,\n"
    assert Keyring.from_text(f"{NEW}\r\n{OLD}\n") == Keyring.from_text(f"{NEW}, {OLD}")
    with pytest.raises(SealingKeysError, match="entry 3"):
        Keyring.from_text(f"{text}\n,{OLD}")


def test_the_ids_of_the_keys_are_told_the_sealing_one_first() -> None:
    assert list(Keyring.from_text(f"{NEW},{OLD}").key_ids) == ["new", "old"]
