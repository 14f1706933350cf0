"""Describes every setting for people: for `--help` and `docs/configuration.md`.

`./run python -m service.settings_table > docs/configuration.md` writes that page.
"""

import sys
from typing import Final, NamedTuple, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from service.settings import Settings, accepted_of
from service.settings_of_access import variable_of

_HEAD: Final = """\
# Configuration

Made by `./run python -m service.settings_table > docs/configuration.md` from `service/settings.py`; a
test holds the two together.

Everything is set by environment variables, read once when a process starts; to change one, start
the process anew, replicas [one after another](runbook.md#upgrade). An empty variable counts as unset. A
wrong value or an unknown name that begins with `AUDIENCE_SYNC_` stops the start
with exit status 2 and a line for each mistake. Values of secret settings are shown nowhere.

"""


class SettingRow(NamedTuple):
    """One line of the table of settings."""

    name: str
    default: str
    accepts: str
    description: str
    is_secret: bool


def describe_settings() -> tuple[SettingRow, ...]:
    """Return every setting in the order of the class."""
    return tuple(
        SettingRow(
            variable_of(name),
            _default(field),
            accepted_of(field),
            field.description or "",
            _is_secret(field.annotation),
        )
        for name, field in Settings.model_fields.items()
    )


def settings_table() -> str:
    """Render the settings as a table in Markdown."""
    lines = [
        f"| `{row.name}` | {row.default} | {row.accepts} | "
        f"{'Secret. ' if row.is_secret else ''}{row.description} |"
        for row in describe_settings()
    ]
    return "\n".join(["| variable | default | accepted | meaning |", "|---|---|---|---|", *lines])


def configuration_page() -> str:
    """Render `docs/configuration.md`."""
    return f"{_HEAD}{settings_table()}\n"


def _is_secret(annotation: object) -> bool:
    return annotation is SecretStr or any(map(_is_secret, get_args(annotation)))


def _default(field: FieldInfo) -> str:
    if field.default is None:
        return "unset"
    return str(field.default).lower() if field.annotation is bool else str(field.default)


if __name__ == "__main__":
    sys.stdout.write(configuration_page())
