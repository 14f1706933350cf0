"""Finds a call's caller by token or certificate, in a file that is read again when it changes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import structlog

from service.rpc.access.callers import Caller
from service.rpc.access.tokens import is_of_certificate
from service.rpc.access.tokens_file import TokensFileError, parse_tokens
from service.rpc.access.watched_files import WatchedFiles

TOKENS_FILE_BYTES_MAX: Final = 4 * 1024 * 1024
"""Bytes of the file."""

_log = structlog.get_logger("service.rpc")


class KnownCallers:
    """The callers of a file. Should it become unreadable, those that were read last stay."""

    def __init__(self, path: Path, monotonic: Callable[[], float]) -> None:
        """Raises: TokensFileError."""
        self._path = path
        self._watched = WatchedFiles([path], monotonic)
        self._take(_read(path))

    def find(self, digest: bytes) -> Caller | None:
        """Whose token, or certificate's name, has this digest; nobody's: None.

        Digests are compared, which nobody can choose: time tells nothing of the tokens.
        """
        if self._watched.have_changed():
            self._read_again()
        return self._by_digest.get(digest)

    def has_certificates(self) -> bool:
        """Whether somebody is known by a certificate."""
        if self._watched.have_changed():
            self._read_again()
        return self._has_certificates

    def _read_again(self) -> None:
        try:
            self._take(_read(self._path))
        except TokensFileError as error:
            _log.error("tokens file not taken", problems=error.problems)
        else:
            _log.info("tokens file read", tokens=len(self._by_digest))

    def _take(self, by_digest: Mapping[bytes, Caller]) -> None:
        self._by_digest = by_digest
        self._has_certificates = any(map(is_of_certificate, by_digest))


def _read(path: Path) -> Mapping[bytes, Caller]:
    """Raises: TokensFileError."""
    try:
        return parse_tokens(_text(path))
    except TokensFileError as error:
        raise TokensFileError([f"{path}: {problem}" for problem in error.problems]) from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(TOKENS_FILE_BYTES_MAX + 1)
        text = raw.decode()
    except OSError as error:
        raise TokensFileError([f"cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise TokensFileError(["is not UTF-8"]) from None
    if len(raw) > TOKENS_FILE_BYTES_MAX:
        raise TokensFileError([f"has more than {TOKENS_FILE_BYTES_MAX} bytes"])
    return text
