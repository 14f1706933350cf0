"""The committed page of settings is that of the code."""

from pathlib import Path

from service.settings_table import configuration_page

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_the_configuration_page_is_current() -> None:
    assert PAGE.read_text() == configuration_page(), (
        "./run python -m service.settings_table > docs/configuration.md"
    )


def test_the_page_marks_what_is_secret() -> None:
    secret = {line.split("`")[1] for line in PAGE.read_text().splitlines() if "| Secret. " in line}
    assert {"AUDIENCE_SYNC_DATABASE_URL", "AUDIENCE_SYNC_SEALING_KEYS"} <= secret
