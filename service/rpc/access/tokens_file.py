"""Reads the file that says who may call: TOML, an entry for each caller, hashes instead of tokens.

A caller may have names of certificates beside tokens, or instead.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, Self

import pydantic
from pydantic import AwareDatetime, Field, StringConstraints
from pydantic_core import ErrorDetails

from service.rpc.access.callers import Caller
from service.rpc.access.scopes import Scope
from service.rpc.access.tokens import certificate_digest

CALLERS_MAX: Final = 1_000
"""Callers in one file."""
DIGESTS_MAX: Final = 8
"""Tokens, and certificates' names, that one caller may have at once: the one in use, and those that replace it."""
LIMITS_MAX: Final = 1_000
"""Patterns of audiences, or ad accounts, of one caller."""

NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,63}$"
CERTIFICATE_PATTERN: Final = r"^[!-~]([ -~]{0,253}[!-~])?$"
AUDIENCE_PATTERN: Final = r"^([a-z0-9][a-z0-9_.-]{0,63}|[a-z0-9][a-z0-9_.-]{0,62}\*)$"
AD_ACCOUNT_PATTERN: Final = r"^act_[0-9]{1,20}$"

_Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Certificate = Annotated[str, StringConstraints(pattern=CERTIFICATE_PATTERN)]
_Audience = Annotated[str, StringConstraints(pattern=AUDIENCE_PATTERN)]
_AdAccount = Annotated[str, StringConstraints(pattern=AD_ACCOUNT_PATTERN)]
_Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
_AT_LINE: Final = re.compile(r"\(at (.*)\)$")
_MEANT: Final = {
    "sha256": "must be a list of SHA-256 hashes, 64 hex digits each",
    "certificates": "must be a list of names in certificates, printable ASCII of 255 characters at most",
    "scopes": f"must be a list of {', '.join(Scope)}",
    "audiences": "must be a list of audience ids, or beginnings of them with * behind",
    "ad_accounts": 'must be a list of ad accounts, as "act_1"',
    "expires": "must be a time with its zone, as 2027-01-31T00:00:00Z",
}


class TokensFileError(Exception):
    """What is wrong with the file, a line each; what stands in it is never told."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class _Entry(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", hide_input_in_errors=True)

    sha256: list[_Digest] = Field(default=[], max_length=DIGESTS_MAX)
    certificates: list[_Certificate] = Field(default=[], max_length=DIGESTS_MAX)
    scopes: list[Scope] = Field(min_length=1)
    audiences: list[_Audience] | None = Field(default=None, min_length=1, max_length=LIMITS_MAX)
    ad_accounts: list[_AdAccount] | None = Field(default=None, min_length=1, max_length=LIMITS_MAX)
    expires: AwareDatetime | None = Field(default=None, strict=True)

    @pydantic.model_validator(mode="after")
    def _can_be_told(self) -> Self:
        if not self.sha256 and not self.certificates:
            raise ValueError("nothing tells the caller")
        return self

    def digests(self) -> Iterator[bytes]:
        yield from map(bytes.fromhex, self.sha256)
        yield from map(certificate_digest, self.certificates)


_ENTRIES: Final = pydantic.TypeAdapter(dict[_Name, _Entry])


def parse_tokens(text: str) -> Mapping[bytes, Caller]:
    """Callers by the digests of their tokens and certificates' names. Raises: TokensFileError."""
    try:
        entries = _ENTRIES.validate_python(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        at = _AT_LINE.search(str(error))
        raise TokensFileError([f"is not TOML: {at[1] if at else 'somewhere'}"]) from None
    except pydantic.ValidationError as error:
        raise TokensFileError([_problem(one) for one in error.errors()]) from None
    if len(entries) > CALLERS_MAX:
        raise TokensFileError([f"has more than {CALLERS_MAX} callers"])
    callers: dict[bytes, Caller] = {}
    for name, entry in entries.items():
        for digest in entry.digests():
            if digest in callers:
                raise TokensFileError([f"{name} has a token or certificate that is given twice"])
            callers[digest] = _caller(name, entry)
    return callers


def token_line(
    name: str,
    digest: bytes,
    *,
    scopes: Sequence[Scope],
    audiences: Sequence[str] = (),
    ad_accounts: Sequence[str] = (),
    expires: datetime | None = None,
) -> str:
    """The line of the file for a caller. Raises: TokensFileError when it would not be one."""
    parts = [f"sha256 = {_list([digest.hex()])}", f"scopes = {_list(scopes)}"]
    if audiences:
        parts.append(f"audiences = {_list(audiences)}")
    if ad_accounts:
        parts.append(f"ad_accounts = {_list(ad_accounts)}")
    if expires is not None:
        parts.append(f"expires = {expires.isoformat(timespec='seconds')}")
    line = f"{name} = {{ {', '.join(parts)} }}"
    parse_tokens(line)
    return line


def _list(items: Sequence[str]) -> str:
    return json.dumps(list(items))  # as TOML writes it too


def _caller(name: str, entry: _Entry) -> Caller:
    return Caller(
        name=name,
        scopes=frozenset(entry.scopes),
        audience_patterns=tuple(entry.audiences or ()),
        ad_account_ids=frozenset(entry.ad_accounts or ()),
        expires_at=entry.expires,
    )


def _problem(detail: ErrorDetails) -> str:
    """Say what is wrong without what stands there: a token may stand where its hash should."""
    name, *rest = (*detail["loc"], "", "")
    if not re.fullmatch(NAME_PATTERN, str(name)) or "[key]" in rest:
        return "a caller's name must be 1 to 64 of a-z, 0-9, _ and -"
    field = str(rest[0])
    if detail["type"] == "extra_forbidden" or field not in _MEANT:
        return (
            f"{name}: must have sha256 or certificates, and scopes; may have audiences, ad_accounts,"
            " expires"
        )
    missing = detail["type"] == "missing"
    return f"{name}: {field} {'is missing: it ' if missing else ''}{_MEANT[field]}"
