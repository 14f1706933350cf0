"""Every setting of the service: its name, default, range and meaning. Nothing else reads the environment.

Each field is set by the environment variable AUDIENCE_SYNC_<FIELD IN CAPITALS>; an empty variable
counts as unset. Unknown names are refused, because a misspelt setting is the commonest outage.
"""

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final, Self

import annotated_types
import pydantic
from pydantic import AfterValidator, Field, SecretStr, ValidationInfo
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from service.exposure import is_facebook_or_loopback
from service.settings_of_access import PREFIX, AccessSettings, accepts, variable_of
from service.store.sealing import Keyring, read_key_file
from service.telemetry import LogFormat, LogLevel

LEASE_CALL_TIMEOUTS_MIN: Final = 1.5
"""A lease lasts at least so many call time-outs: no call starts unless the lease outlives it."""
OF_CLIENTS: Final = frozenset({"token", "tls_ca", "tls_cert", "tls_key"})
"""Variables, without their prefix and small, that commands read which call the service."""
_QUOTED_CHARS_MAX: Final = 40
"""How much of a wrong number an error repeats."""


class SettingsError(Exception):
    """One line for each wrong setting, none with the value of a secret."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _postgres_address(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError("is not the address of a Postgres database")
    return value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


_Url = Annotated[str, AfterValidator(lambda url: url.rstrip("/"))]
_Dsn = Annotated[SecretStr, AfterValidator(_postgres_address)]


class Settings(AccessSettings):
    """The settings, checked. Fields stand before the fields whose checks need them."""

    data_dir: Path = Field(
        default=Path(".data/audience-sync"),
        description="Folder of the embedded Postgres and its sealing key; relative to the working "
        "directory. Not used with a database URL and sealing keys.",
        json_schema_extra=accepts("a path"),
    )
    database_url: _Dsn | None = Field(
        default=None,
        description="Postgres 15 or newer. Unset: an embedded Postgres runs in the data folder.",
        json_schema_extra=accepts("postgresql://user:password@host:port/database"),
    )
    sealing_keys_file: Path | None = Field(
        default=None,
        description="File with the sealing keys, as a mounted secret; instead of "
        "AUDIENCE_SYNC_SEALING_KEYS. A line may stand for a comma.",
        json_schema_extra=accepts("a path"),
    )
    sealing_keys: SecretStr | None = Field(
        default=None,
        description="Keys that seal access tokens in the database; the first seals, all open. The "
        "same for all replicas. These or a file are required with a database URL; else a key file "
        "is made.",
        json_schema_extra=accepts("id:base64[,id:base64], 32 bytes each"),
    )
    database_pool_size: int = Field(
        default=16,
        ge=2,
        le=200,
        description="Connections to Postgres that calls use at most; syncs have some of their own.",
    )
    allow_other_facebook: bool = Field(
        default=False,
        description="Send tokens and hashes to an address that is neither Facebook nor this machine.",
        json_schema_extra=accepts("true or false"),
    )
    facebook_base_url: _Url = Field(
        default="https://graph.facebook.com",
        pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$",
        description="Address of the Graph API, or of the fake one on this machine.",
        json_schema_extra=accepts("http(s)://host[:port]"),
    )
    facebook_api_version: str = Field(
        default="v26.0",
        pattern=r"^v\d{1,3}\.\d$",
        description="Version of the Graph API.",
        json_schema_extra=accepts("v and a number, as v26.0"),
    )
    facebook_call_timeout_seconds: float = Field(
        default=30.0,
        ge=0.1,
        le=300,
        description="After so long a Graph call counts as lost.",
    )
    calls_in_flight_per_ad_account: int = Field(
        default=8,
        ge=1,
        le=64,
        description="Graph calls that run at once for one ad account, over all processes.",
    )
    syncs_in_parallel: int = Field(
        default=8,
        ge=1,
        le=256,
        description="Audiences that this process syncs at once.",
    )
    lease_seconds: float = Field(
        default=60.0,
        ge=1,
        le=3600,
        description="How long a sync owns its audience unless renewed; at least "
        f"{LEASE_CALL_TIMEOUTS_MIN} call time-outs.",
    )
    poll_seconds: float = Field(
        default=5.0,
        ge=0.05,
        le=300,
        description="How often due audiences are looked for without a hint.",
    )
    recheck_after_seconds: float = Field(
        default=3600.0,
        ge=1,
        le=86_400,
        description="After so long the rows of calls with an unknown outcome are planned once more.",
    )
    refresh_interval_days: float = Field(
        default=30.0,
        ge=1,
        le=30,
        description="How often every row of an audience is sent anew.",
    )
    recreate_gone_audiences: bool = Field(
        default=False,
        description="Make another Custom Audience when one that this service created is gone, and "
        "fill it; else its audience is blocked.",
        json_schema_extra=accepts("true or false"),
    )
    drain_seconds: float = Field(
        default=30.0,
        ge=0,
        le=600,
        description="How long a stop waits for work that is under way.",
    )
    loop_held_seconds_max: float = Field(
        default=0.05,
        ge=0.001,
        le=60,
        description="A turn of the event loop that takes longer is logged: all calls wait for it.",
    )
    message_bytes_max: int = Field(
        default=16 * 1024**2,
        ge=65_536,
        le=256 * 1024**2,
        description="Largest gRPC message taken, in bytes.",
    )
    messages_in_work_bytes_max: int = Field(
        default=128 * 1024**2,
        ge=65_536,
        le=16 * 1024**3,
        description="gRPC messages worked on at once, in bytes; at least one message.",
    )
    traces_endpoint: _Url | None = Field(
        default=None,
        pattern=r"^https?://[^\s/?#@]+$",
        description="Where an OpenTelemetry collector takes traces (OTLP by gRPC); needs the extra "
        "otel. Unset: there are none.",
        json_schema_extra=accepts("http(s)://host:port"),
    )
    traces_share: float = Field(
        default=0.05,
        ge=0,
        le=1,
        description="Share of calls and syncs that are traced where the caller has not decided.",
    )
    log_level: Annotated[LogLevel, pydantic.BeforeValidator(_lower)] = Field(
        default="info",
        description="Least urgent lines that are logged.",
        json_schema_extra=accepts("debug, info, warning or error"),
    )
    log_format: Annotated[LogFormat, pydantic.BeforeValidator(_lower)] = Field(
        default="auto",
        description="auto: console on a terminal, else json.",
        json_schema_extra=accepts("auto, json or console"),
    )

    @pydantic.field_validator("sealing_keys_file")
    @classmethod
    def _sealing_keys_of_file_open(cls, value: Path | None) -> Path | None:
        if value is not None:
            read_key_file(value)
        return value

    @pydantic.field_validator("facebook_base_url")
    @classmethod
    def _is_facebook(cls, value: str, info: ValidationInfo) -> str:
        if not info.data.get("allow_other_facebook") and not is_facebook_or_loopback(value):
            raise ValueError(
                "is neither https://graph.facebook.com nor on this machine, and "
                "AUDIENCE_SYNC_ALLOW_OTHER_FACEBOOK is not true"
            )
        return value

    @pydantic.field_validator("sealing_keys")
    @classmethod
    def _sealing_keys_open(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        file = variable_of("sealing_keys_file")
        if value is not None:
            Keyring.from_text(value.get_secret_value())
            if info.data.get("sealing_keys_file") is not None:
                raise ValueError(f"is set beside {file}: one of them tells the keys")
        elif (
            info.data.get("database_url") is not None
            # Absent when it was wrong, which is told already.
            and info.data.get("sealing_keys_file", file) is None
        ):
            raise ValueError(f"or {file} is required with {variable_of('database_url')}")
        return value

    @pydantic.field_validator("lease_seconds")
    @classmethod
    def _lease_outlives_a_call(cls, value: float, info: ValidationInfo) -> float:
        call_s = info.data.get("facebook_call_timeout_seconds", 0.0)
        if value < call_s * LEASE_CALL_TIMEOUTS_MIN:
            raise ValueError(
                f"is {value:g}, less than {LEASE_CALL_TIMEOUTS_MIN} times "
                f"AUDIENCE_SYNC_FACEBOOK_CALL_TIMEOUT_SECONDS ({call_s:g})"
            )
        return value

    @pydantic.field_validator("messages_in_work_bytes_max")
    @classmethod
    def _one_message_fits(cls, value: int, info: ValidationInfo) -> int:
        message = info.data.get("message_bytes_max", 0)
        if value < message:
            raise ValueError(f"is {value}, less than AUDIENCE_SYNC_MESSAGE_BYTES_MAX ({message})")
        return value

    @classmethod
    def from_environment(cls) -> Self:
        """Read the environment; raises SettingsError with every problem there is."""
        problems = tuple(_unknown_names())
        try:
            settings = cls()
        except pydantic.ValidationError as error:
            raise SettingsError((*map(_problem, error.errors()), *problems)) from None
        if problems:
            raise SettingsError(problems)
        return settings


def environment_with(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process of ours that has these settings, named without their prefix."""
    inherited = os.environ  # noqa: TID251 - handed on, not read
    return inherited | {PREFIX + name: value for name, value in settings.items()}


def accepted_of(field: FieldInfo) -> str:
    """What a setting takes, for a person."""
    if isinstance(field.json_schema_extra, dict):
        return str(field.json_schema_extra["accepts"])
    bounds = {type(bound): bound for bound in field.metadata}
    low, high = bounds[annotated_types.Ge].ge, bounds[annotated_types.Le].le
    return f"{'whole number' if field.annotation is int else 'number'} from {low} to {high}"


def _problem(detail: ErrorDetails) -> str:
    """Say what is wrong with one setting; only numbers are quoted, since the rest may be secret."""
    field_name = str(detail["loc"][0])
    field = Settings.model_fields.get(field_name)
    if field is None:
        return f"{field_name} is not a setting"
    match detail["type"]:
        case "value_error":
            said = str(detail["ctx"]["error"])
        case _ if field.annotation in {int, float}:
            said = f"is {str(detail['input'])[:_QUOTED_CHARS_MAX]!r}"
        case _:
            said = "is not understood"
    return f"{variable_of(field_name)} {said}; accepted: {accepted_of(field)}"


def _unknown_names() -> Iterator[str]:
    for name in sorted(os.environ):  # noqa: TID251 - these are the settings
        field_name = name.upper().removeprefix(PREFIX).lower()
        is_known = field_name in Settings.model_fields or field_name in OF_CLIENTS
        if name.upper().startswith(PREFIX) and not is_known:
            near = difflib.get_close_matches(field_name, Settings.model_fields, n=1)
            hint = f"; did you mean {variable_of(near[0])}?" if near else ""
            yield f"{name} is not a setting{hint}"
