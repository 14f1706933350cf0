from pathlib import Path

import pytest
import structlog

from service.rpc.access.known_callers import TOKENS_FILE_BYTES_MAX, KnownCallers
from service.rpc.access.tokens import token_digest
from service.rpc.access.tokens_file import TokensFileError
from service.rpc.access.watched_files import LOOK_SECONDS
from tests.unit.rpc.access.builders import HandClock, a_line, replaced


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return replaced(tmp_path / "tokens.toml", a_line())


def names(known: KnownCallers, *tokens: str) -> list[str | None]:
    return [found.name if (found := known.find(token_digest(token))) else None for token in tokens]


def test_a_caller_is_found_by_the_token_and_by_nothing_else(path: Path, clock: HandClock) -> None:
    known = KnownCallers(path, clock)
    assert names(known, "ast_billing", "ast_billinG", "ast_", "") == ["billing", None, None, None]


def test_a_changed_file_counts_after_the_next_look(path: Path, clock: HandClock) -> None:
    known = KnownCallers(path, clock)
    replaced(path, a_line("shop", "ast_shop"))
    assert names(known, "ast_billing", "ast_shop") == ["billing", None]
    clock.now_s += LOOK_SECONDS
    assert names(known, "ast_billing", "ast_shop") == [None, "shop"]


@pytest.mark.parametrize("bad", ["billing = {", b"\xff", "x" * (TOKENS_FILE_BYTES_MAX + 1)])
def test_a_file_that_cannot_be_read_changes_nothing_and_is_told_once(
    path: Path, clock: HandClock, bad: str | bytes
) -> None:
    known = KnownCallers(path, clock)
    replaced(path, bad)
    with structlog.testing.capture_logs() as lines:
        for _ in range(3):
            clock.now_s += LOOK_SECONDS
            assert names(known, "ast_billing") == ["billing"]
    [line] = lines
    assert (line["event"], line["log_level"]) == ("tokens file not taken", "error")
    replaced(path, "")
    clock.now_s += LOOK_SECONDS
    assert names(known, "ast_billing") == [None]


def test_a_file_that_is_gone_changes_nothing(path: Path, clock: HandClock) -> None:
    known = KnownCallers(path, clock)
    path.unlink()
    clock.now_s += LOOK_SECONDS
    assert names(known, "ast_billing") == ["billing"]


def test_a_missing_file_is_told_with_its_name(tmp_path: Path, clock: HandClock) -> None:
    with pytest.raises(TokensFileError, match=r"none\.toml: cannot be read: No such file"):
        KnownCallers(tmp_path / "none.toml", clock)
