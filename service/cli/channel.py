"""The channel of the commands: TLS where it is asked for, and the token with every call."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import grpc

from service.cli.access import Access
from service.exposure import is_loopback

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]+")


class CannotGetIn(Exception):
    """Why no channel is opened, for a person."""


class _Details(NamedTuple):
    """Of one call; NamedTuple as gRPC wants its fields."""

    method: str
    timeout: float | None
    metadata: Sequence[tuple[str, str | bytes]] | None
    credentials: grpc.CallCredentials | None
    wait_for_ready: bool | None
    compression: grpc.Compression | None


def open_channel(
    server: str, access: Access, options: Sequence[tuple[str, int | str]]
) -> grpc.Channel:
    """A channel to host:port. Raises: CannotGetIn."""
    if access.token and not _TOKEN.fullmatch(access.token):
        raise CannotGetIn("the token has characters that none has; was it copied whole?")
    if access.tls_ca is not None:
        channel = grpc.secure_channel(server, _credentials(access, access.tls_ca), options)
    else:
        _check_plain_text(server, access)
        channel = grpc.insecure_channel(server, options)
    return grpc.intercept_channel(channel, _Bearer(access.token)) if access.token else channel


def _check_plain_text(server: str, access: Access) -> None:
    is_here = is_loopback(server.rpartition(":")[0])
    if access.token and not (is_here or access.plain_text):
        raise CannotGetIn(
            "the token would go to another machine in plain text; --tls-ca FILE speaks TLS, "
            "--plain-text does it all the same"
        )


def _credentials(access: Access, tls_ca: Path) -> grpc.ChannelCredentials:
    if (access.tls_cert is None) != (access.tls_key is None):
        raise CannotGetIn("--tls-cert and --tls-key go together")
    mine = [_read(path) if path else None for path in (access.tls_key, access.tls_cert)]
    return grpc.ssl_channel_credentials(_read(tls_ca), *mine)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CannotGetIn(f"{path} cannot be read: {error.strerror}") from None


class _Bearer(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Sends the token with every call. gRPC's own way does so over TLS only."""

    def __init__(self, token: str) -> None:
        self._header = ("authorization", f"Bearer {token}")

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return self._go_on(continuation, details, request)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return self._go_on(continuation, details, request)

    def intercept_stream_stream(self, continuation: Any, details: Any, requests: Any) -> Any:
        return self._go_on(continuation, details, requests)

    def _go_on(self, continuation: Callable[[Any, Any], Any], details: Any, request: Any) -> Any:
        metadata = (*(details.metadata or ()), self._header)
        with_token = _Details(
            details.method,
            details.timeout,
            metadata,
            details.credentials,
            details.wait_for_ready,
            details.compression,
        )
        return continuation(with_token, request)
