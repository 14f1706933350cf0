"""TLS of the server: certificate and key from files, taken anew when the files change."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from service.rpc.access.watched_files import WatchedFiles

PEM_BYTES_MAX: Final = 1024 * 1024
"""Bytes of one file."""

_log = structlog.get_logger("service.rpc")


class CertificateError(Exception):
    """What is wrong with one of the files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """PEM files. With `client_ca` only callers with a certificate of it get a connection."""

    certificate: Path
    """The certificate, and those between it and the root behind it."""
    key: Path
    client_ca: Path | None = None


class Certificates:
    """What connections are made with. gRPC asks at each new one, from threads of its own."""

    def __init__(self, files: TlsFiles, monotonic: Callable[[], float]) -> None:
        """Raises: CertificateError."""
        self._files = files
        paths = (files.certificate, files.key, files.client_ca)
        self._watched = WatchedFiles([path for path in paths if path], monotonic)
        self._lock = threading.Lock()
        self._configuration = _read(files)

    def credentials(self) -> grpc.ServerCredentials:
        """The credentials of a port. Connections that stand keep what they were made with."""
        return grpc.dynamic_ssl_server_credentials(
            self._configuration,
            self.changed_configuration,  # type: ignore[arg-type] # None is right: no change
            require_client_authentication=self._files.client_ca is not None,
        )

    def changed_configuration(self) -> grpc.ServerCertificateConfiguration | None:
        """The new files once they have changed and fit together, else None: the former stay."""
        with self._lock:
            if not self._watched.have_changed():
                return None
            try:
                return _read(self._files)
            except CertificateError as error:
                _log.error("certificate not taken", problem=str(error))
                return None


def _read(files: TlsFiles) -> grpc.ServerCertificateConfiguration:
    """Raises: CertificateError."""
    chain, key = _pem(files.certificate), _pem(files.key)
    roots = _pem(files.client_ca) if files.client_ca else None
    _check_pair(files, chain, key)
    if files.client_ca is not None and roots is not None:
        _certificates(files.client_ca, roots)
    return grpc.ssl_server_certificate_configuration([(key, chain)], root_certificates=roots)


def _pem(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            read = file.read(PEM_BYTES_MAX + 1)
    except OSError as error:
        raise CertificateError(f"{path} cannot be read: {error.strerror}") from None
    if len(read) > PEM_BYTES_MAX:
        raise CertificateError(f"{path} has more than {PEM_BYTES_MAX} bytes")
    return read


def _check_pair(files: TlsFiles, chain: bytes, key: bytes) -> None:
    """Say what gRPC does not: its port would open and refuse every connection."""
    leaf = _certificates(files.certificate, chain)[0]
    try:
        of_key = load_pem_private_key(key, password=None).public_key()
    except (ValueError, TypeError):
        raise CertificateError(
            f"{files.key} is not a private key in PEM without a password"
        ) from None
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if of_key.public_bytes(*form) != leaf.public_key().public_bytes(*form):
        raise CertificateError(f"{files.key} is not the key of {files.certificate}")
    _log.info("certificate read", valid_until=leaf.not_valid_after_utc)


def _certificates(path: Path, pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise CertificateError(f"{path} has no certificate in PEM") from None
