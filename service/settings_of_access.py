"""The settings that say where the service listens and who may call it."""

import re
from pathlib import Path
from typing import Annotated, Any, Final

import pydantic
from pydantic import AfterValidator, Field, SecretStr, ValidationInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.exposure import listens_to_others

PREFIX: Final = "AUDIENCE_SYNC_"
_LISTEN: Final = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):(?P<port>\d{1,5})")
_PORT_MAX: Final = 65_535
_BEARER_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]{16,256}=*", re.ASCII)


def _listen_address(value: str) -> str:
    match = _LISTEN.fullmatch(value)
    if match is None or int(match["port"]) > _PORT_MAX:
        raise ValueError("is not host:port")
    return value


def _listen_address_or_off(value: str) -> str:
    if value == "off":
        return value
    try:
        return _listen_address(value)
    except ValueError as error:
        raise ValueError(f"{error} or off") from None


def _bearer_token(value: SecretStr) -> SecretStr:
    if _BEARER_TOKEN.fullmatch(value.get_secret_value()) is None:
        raise ValueError("is not a token, or one that could be guessed")
    return value


_Address = Annotated[str, AfterValidator(_listen_address)]
_AddressOrOff = Annotated[str, AfterValidator(_listen_address_or_off)]
_Token = Annotated[SecretStr, AfterValidator(_bearer_token)]


def accepts(text: str) -> dict[str, Any]:
    """Say in words what a field takes whose range is not a span of numbers."""
    return {"accepts": text}


def variable_of(field_name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + field_name.upper()


class AccessSettings(BaseSettings):
    """Fields stand before the fields whose checks need them."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    listen: _Address = Field(
        default="127.0.0.1:50051",
        description="Where the gRPC server listens; port 0 picks a free one.",
        json_schema_extra=accepts("host:port"),
    )
    allow_plain_text: bool = Field(
        default=False,
        description="Listen without TLS where other machines reach it: something before it has TLS.",
        json_schema_extra=accepts("true or false"),
    )
    allow_callers_without_token: bool = Field(
        default=False,
        description="Take every call where other machines reach it: something before it asks who calls.",
        json_schema_extra=accepts("true or false"),
    )
    tls_certificate_file: Path | None = Field(
        default=None,
        description="Certificate of the gRPC server and those up to its root. Read again, as the other "
        "TLS files are, when it changes. Required where other machines reach it.",
        json_schema_extra=accepts("a path of a PEM file"),
    )
    tls_key_file: Path | None = Field(
        default=None,
        description="The certificate's private key, without a password.",
        json_schema_extra=accepts("a path of a PEM file"),
    )
    tls_client_ca_file: Path | None = Field(
        default=None,
        description="Roots of callers' certificates. Set: nobody gets a connection without one, and a "
        "name in it may stand for a token in AUDIENCE_SYNC_TOKENS_FILE.",
        json_schema_extra=accepts("a path of a PEM file"),
    )
    tokens_file: Path | None = Field(
        default=None,
        description="Who may call: hashes of tokens, or names in certificates, with their scopes, read "
        "again when it changes. "
        "Required where other machines reach it. Unset: every call is taken.",
        json_schema_extra=accepts("a path of a TOML file"),
    )
    caller_calls_per_second: float = Field(
        default=500.0,
        ge=0.1,
        le=100_000,
        description="Calls of one token in one process; twice as many may come at once.",
    )
    caller_calls_at_once: int = Field(
        default=200,
        ge=1,
        le=1_000,
        description="Calls of one token in work at once in one process, which has room for 1000 in all.",
    )
    caller_streams_at_once: int = Field(
        default=50,
        ge=1,
        le=1_000,
        description="Of these, imports, watches and reflection.",
    )
    silent_call_seconds_max: float = Field(
        default=300.0,
        ge=1,
        le=86_400,
        description="A call whose next message is not there after so long is ended.",
    )

    metrics_listen: _AddressOrOff = Field(
        default="127.0.0.1:9464",
        description="Where /metrics, /healthz and /readyz are served by HTTP, without TLS; port 0 picks a "
        "free one.",
        json_schema_extra=accepts("host:port or off"),
    )
    allow_metrics_without_token: bool = Field(
        default=False,
        description="Tell metrics, with the ids of audiences and ad accounts, to whoever reaches the port, "
        "other machines too: only the monitoring can.",
        json_schema_extra=accepts("true or false"),
    )
    metrics_token: _Token | None = Field(
        default=None,
        description="Bearer token that /metrics asks for; /healthz and /readyz ask for none. Required "
        "where other machines reach the port.",
        json_schema_extra=accepts("16 to 256 letters, digits and any of - . _ ~ + /"),
    )

    def token_for_metrics(self) -> str | None:
        """The token that /metrics asks for, if any."""
        return None if self.metrics_token is None else self.metrics_token.get_secret_value()

    @pydantic.field_validator("metrics_token")
    @classmethod
    def _others_scrape_with_a_token(
        cls, value: SecretStr | None, info: ValidationInfo
    ) -> SecretStr | None:
        listen = info.data.get("metrics_listen", "off")
        is_open = value is None and listen != "off" and listens_to_others(listen)
        if is_open and not info.data.get("allow_metrics_without_token"):
            raise ValueError(
                f"is required where other machines reach AUDIENCE_SYNC_METRICS_LISTEN ({listen}), "
                f"unless {variable_of('allow_metrics_without_token')} is true"
            )
        return value

    @pydantic.field_validator("tls_certificate_file")
    @classmethod
    def _others_come_by_tls(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        return _required_for_others(value, info, unless="allow_plain_text")

    @pydantic.field_validator("tokens_file")
    @classmethod
    def _others_have_tokens(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        return _required_for_others(value, info, unless="allow_callers_without_token")

    @pydantic.field_validator("tls_key_file")
    @classmethod
    def _certificate_has_key(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if (value is None) != (info.data.get("tls_certificate_file") is None):
            raise ValueError("goes with AUDIENCE_SYNC_TLS_CERTIFICATE_FILE: both or none")
        return value

    @pydantic.field_validator("tls_client_ca_file")
    @classmethod
    def _callers_certificates_need_tls(
        cls, value: Path | None, info: ValidationInfo
    ) -> Path | None:
        if value is not None and info.data.get("tls_certificate_file") is None:
            raise ValueError("needs AUDIENCE_SYNC_TLS_CERTIFICATE_FILE")
        return value


def _required_for_others(value: Path | None, info: ValidationInfo, *, unless: str) -> Path | None:
    listen = info.data.get("listen")
    if value is None and listen and listens_to_others(listen) and not info.data.get(unless):
        raise ValueError(
            f"is required where other machines reach AUDIENCE_SYNC_LISTEN ({listen}), unless "
            f"{variable_of(unless)} is true"
        )
    return value
