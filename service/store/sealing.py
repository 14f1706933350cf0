"""Seals access tokens for the database, and keeps the keys for it.

A sealed token is bound to the key that sealed it and to the record that it belongs to: copied into
another record it does not open. Layout: one byte with the length of the key's name, the name, 12
bytes of nonce, the AES-256-GCM text with its 16 bytes of tag.
"""

import base64
import binascii
import contextlib
import os
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
KEY_ID_CHARS_MAX: Final = 32
KEY_FILE_CHARS_MAX: Final = 65_536
"""Of a key file no more is read: hundreds of keys."""
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_SEPARATOR: Final = re.compile(r"[^\S\n]*(?:,|\n)\s*")
_KEY_ID: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{KEY_ID_CHARS_MAX}}}")
_PURPOSE: Final = b"audience-sync token"


class SealingError(Exception):
    """A sealed token could not be opened; the text names the key's id, never the token or a key."""


class SealingKeysError(ValueError):
    """The sealing keys are not usable; the text says which one and why, never the key itself."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """Sealing keys by their ids; `sealing_id` names the one that seals what is new."""

    sealing_id: str
    _keys: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read `id:base64[,id:base64]`, each key 32 bytes; the first seals, all of them open.

        A line may stand for a comma. Raises: SealingKeysError.
        """
        keys: dict[str, bytes] = {}
        for position, entry in enumerate(_SEPARATOR.split(text.strip()), start=1):
            key_id, key = _parse_entry(entry, position)
            if key_id in keys:
                raise SealingKeysError(f"key id {key_id!r} is there twice")
            keys[key_id] = key
        return cls(next(iter(keys)), keys)

    @property
    def key_ids(self) -> Collection[str]:
        """Ids of all keys, the sealing one first."""
        return self._keys.keys()

    def seal(self, plaintext: str, *, record: str) -> bytes:
        """Seal a text for the record that will hold it."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        bound = _bound(self.sealing_id, record)
        sealed = AESGCM(self._keys[self.sealing_id]).encrypt(nonce, plaintext.encode(), bound)
        key_id = self.sealing_id.encode()
        return bytes([len(key_id)]) + key_id + nonce + sealed

    def unseal(self, sealed: bytes, *, record: str) -> str:
        """Open what `seal` made for the same record.

        Raises: SealingError when its key is missing, or when key, record or bytes are not the same.
        """
        key_id, nonce, text = _split(sealed)
        if key_id not in self._keys:
            raise SealingError(
                f"sealing key {key_id!r} is missing: give it back in AUDIENCE_SYNC_SEALING_KEYS "
                "(or in the key file), behind the first one"
            )
        try:
            return AESGCM(self._keys[key_id]).decrypt(nonce, text, _bound(key_id, record)).decode()
        except InvalidTag:
            raise SealingError(
                f"sealed with another key called {key_id!r}, for another record, or damaged"
            ) from None


def sealing_key_id(sealed: bytes) -> str:
    """Return the id of the key that sealed these bytes.

    Raises: SealingError.
    """
    return _split(sealed)[0]


def read_key_file(path: Path) -> Keyring:
    """Read the keyring of a file that somebody else keeps, as a mounted secret.

    Who may open it is theirs to say. Raises: SealingKeysError, which names the file.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(KEY_FILE_CHARS_MAX)
    except OSError as error:
        raise SealingKeysError(f"{path} cannot be read: {error.strerror}") from None
    return _keyring_of_file(text, path)


def load_or_create_key_file(path: Path) -> Keyring:
    """Read the keyring of a file, after making the file with a new key where there is none.

    Shape: the file is readable by its owner only and holds what `Keyring.from_text` reads. Of two
    processes that come at once both get the same key.
    Raises: SealingKeysError when others may read the file, or its text is not usable; OSError.
    """
    if not path.exists():
        _create_key_file(path)
    with path.open(encoding="utf-8", errors="replace") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise SealingKeysError(f"others may open {path}: chmod 600 {path}")
        return _keyring_of_file(file.read(KEY_FILE_CHARS_MAX), path)


def _keyring_of_file(text: str, path: Path) -> Keyring:
    try:
        return Keyring.from_text(text)
    except SealingKeysError as error:
        raise SealingKeysError(f"{path}: {error}") from None


def _create_key_file(path: Path) -> None:
    """Write the file whole under another name, then link it, which never replaces one that is there."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
            file.write(f"file-{secrets.token_hex(4)}:{key}\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # somebody was faster: theirs counts
            os.link(unfinished, path)
    finally:
        unfinished.unlink()


def _parse_entry(entry: str, position: int) -> tuple[str, bytes]:
    key_id, colon, encoded = entry.partition(":")
    if not colon or not _KEY_ID.fullmatch(key_id):
        raise SealingKeysError(
            f"entry {position} is not id:base64, with an id of 1 to {KEY_ID_CHARS_MAX} characters "
            "out of letters, digits, - and _"
        )
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise SealingKeysError(
            f"key {key_id!r} is not {KEY_BYTES} bytes in base64 (openssl rand -base64 {KEY_BYTES})"
        )
    return key_id, key


def _split(sealed: bytes) -> tuple[str, bytes, bytes]:
    name_end = 1 + (sealed[0] if sealed else 0)
    nonce_end = name_end + _NONCE_BYTES
    if len(sealed) < nonce_end + _TAG_BYTES or not _KEY_ID.fullmatch(
        key_id := sealed[1:name_end].decode("ascii", "replace")
    ):
        raise SealingError("these bytes are not a sealed token")
    return key_id, sealed[name_end:nonce_end], sealed[nonce_end:]


def _bound(key_id: str, record: str) -> bytes:
    """The key's id cannot hold a zero byte, so no two pairs give the same bytes."""
    return b"\0".join((_PURPOSE, key_id.encode(), record.encode()))
