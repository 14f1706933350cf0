"""Tokens, files of callers and certificates, as operators make them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from service.rpc.access.scopes import Scope
from service.rpc.access.tokens import token_digest
from service.rpc.access.tokens_file import token_line

ALL = tuple(Scope)
_THIS_MACHINE = (x509.DNSName("localhost"),)


def a_line(
    name: str = "billing",
    token: str = "ast_billing",
    *,
    scopes: tuple[Scope, ...] = ALL,
    audiences: tuple[str, ...] = (),
    ad_accounts: tuple[str, ...] = (),
    expires: dt.datetime | None = None,
) -> str:
    return token_line(
        name,
        token_digest(token),
        scopes=scopes,
        audiences=audiences,
        ad_accounts=ad_accounts,
        expires=expires,
    )


def replaced(path: Path, content: str | bytes) -> Path:
    """Put a file in the place of another at once, as tools that hand out secrets do."""
    beside = path.with_suffix(".new")
    beside.write_bytes(content.encode() if isinstance(content, str) else content)
    beside.rename(path)
    return path


class HandClock:
    """A monotonic clock that goes when told."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key, in PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """Issues certificates for this machine."""

    def __init__(self, name: str = "Test CA") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        made = _certificate(self._name, self._name, self._key.public_key(), is_authority=True)
        self.pem = made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def issue(
        self, name: str = "localhost", alternatives: Sequence[x509.GeneralName] = _THIS_MACHINE
    ) -> Issued:
        """For a common name, and alternative ones beside it."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(_name(name), self._name, key.public_key(), is_authority=False)
        if alternatives:
            made = made.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        pem = made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)
        return Issued(pem, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, is_authority: bool
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    constraints = x509.BasicConstraints(ca=is_authority, path_length=None)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(constraints, critical=True)
    )
