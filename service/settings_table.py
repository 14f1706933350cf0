"""Describes every setting for people: for `--help` and the README."""

from typing import NamedTuple

from pydantic.fields import FieldInfo

from service.settings import Settings, accepted_of
from service.settings_of_access import variable_of


class SettingRow(NamedTuple):
    """One line of the table of settings."""

    name: str
    default: str
    accepts: str
    description: str


def describe_settings() -> tuple[SettingRow, ...]:
    """Return every setting in the order of the class, for `--help` and the README."""
    return tuple(
        SettingRow(
            variable_of(name),
            _default(field),
            accepted_of(field),
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    )


def settings_table() -> str:
    """Render the settings as a table in Markdown."""
    lines = [
        f"| `{row.name}` | {row.default} | {row.accepts} | {row.description} |"
        for row in describe_settings()
    ]
    return "\n".join(["| variable | default | accepted | meaning |", "|---|---|---|---|", *lines])


def _default(field: FieldInfo) -> str:
    if field.default is None:
        return "unset"
    return str(field.default).lower() if field.annotation is bool else str(field.default)
