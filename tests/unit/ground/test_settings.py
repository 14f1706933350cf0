import base64
from pathlib import Path

import pytest

from service.app import keyring_of
from service.settings import Settings, SettingsError
from service.settings_table import describe_settings, settings_table
from service.store.sealing import Keyring

KEYS = "k1:" + base64.b64encode(b"k" * 32).decode()
DSN = "postgresql://user:hunter2@db/audience"


def problems_of(monkeypatch: pytest.MonkeyPatch, **variables: str) -> tuple[str, ...]:
    set_all(monkeypatch, **variables)
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment()
    assert str(caught.value).splitlines() == list(caught.value.problems)
    return caught.value.problems


def set_all(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"AUDIENCE_SYNC_{name}", value)


def test_every_setting_has_a_usable_default() -> None:
    settings = Settings.from_environment()
    assert settings.listen == "127.0.0.1:50051"
    assert settings.database_url is None
    assert settings.facebook_api_version == "v26.0"


def test_values_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(
        monkeypatch,
        LISTEN="[::1]:0",
        DATABASE_URL=DSN,
        SEALING_KEYS=KEYS,
        FACEBOOK_BASE_URL="http://127.0.0.1:8123/",
        POLL_SECONDS="0.5",
        LOG_LEVEL="DEBUG",
    )
    settings = Settings.from_environment()
    assert settings.listen == "[::1]:0"
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == DSN
    assert settings.facebook_base_url == "http://127.0.0.1:8123"
    assert (settings.poll_seconds, settings.log_level) == (0.5, "debug")


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, DATABASE_URL="", LEASE_SECONDS="")
    assert Settings.from_environment() == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LISTEN", "50051"),
        ("LISTEN", "localhost:65536"),
        ("LISTEN", "::1:50051"),
        ("DATABASE_URL", "mysql://db/audience"),
        ("SEALING_KEYS", "k1:short"),
        ("DATABASE_POOL_SIZE", "1"),
        ("DATABASE_POOL_SIZE", "many"),
        ("FACEBOOK_BASE_URL", "graph.facebook.com"),
        ("FACEBOOK_BASE_URL", "https://graph.example.com"),
        ("TLS_KEY_FILE", "key.pem"),
        ("TLS_CLIENT_CA_FILE", "ca.pem"),
        ("CALLER_CALLS_AT_ONCE", "0"),
        ("FACEBOOK_API_VERSION", "26"),
        ("FACEBOOK_CALL_TIMEOUT_SECONDS", "nan"),
        ("LEASE_SECONDS", "3601"),
        ("REFRESH_INTERVAL_DAYS", "31"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_wrong_value_is_one_line_with_its_name_and_what_is_accepted(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    [problem] = problems_of(monkeypatch, **{name: value})
    accepted = next(row.accepts for row in describe_settings() if row.name.endswith(f"_{name}"))
    assert problem.startswith(f"AUDIENCE_SYNC_{name} ")
    assert problem.endswith(f"; accepted: {accepted}")


def test_all_problems_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = problems_of(
        monkeypatch, LISTEN="x", POLL_SECONDS="abc", LEASE_SECONDS="10", POLL_SECOND="1"
    )
    assert [problem.split()[0] for problem in problems] == [
        "AUDIENCE_SYNC_LISTEN",
        "AUDIENCE_SYNC_LEASE_SECONDS",
        "AUDIENCE_SYNC_POLL_SECONDS",
        "AUDIENCE_SYNC_POLL_SECOND",
    ]


def test_an_unknown_name_is_refused_with_the_nearest_known_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problems = problems_of(monkeypatch, SEALING_KEY=KEYS, ZZZ="1")
    assert problems == (
        "AUDIENCE_SYNC_SEALING_KEY is not a setting; did you mean AUDIENCE_SYNC_SEALING_KEYS?",
        "AUDIENCE_SYNC_ZZZ is not a setting",
    )


def test_a_database_url_needs_sealing_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    [problem] = problems_of(monkeypatch, DATABASE_URL=DSN)
    assert problem.startswith(
        "AUDIENCE_SYNC_SEALING_KEYS or AUDIENCE_SYNC_SEALING_KEYS_FILE is required with"
    )


def test_the_sealing_keys_may_stand_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "keys"
    path.write_text(KEYS + "\n")
    set_all(monkeypatch, DATABASE_URL=DSN, SEALING_KEYS_FILE=str(path))
    settings = Settings.from_environment()
    assert settings.sealing_keys is None
    assert keyring_of(settings) == Keyring.from_text(KEYS)


def test_sealing_keys_in_both_places_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "keys"
    path.write_text(KEYS)
    [problem] = problems_of(monkeypatch, SEALING_KEYS=KEYS, SEALING_KEYS_FILE=str(path))
    assert problem.startswith("AUDIENCE_SYNC_SEALING_KEYS is set beside")
    assert KEYS not in problem


@pytest.mark.parametrize("content", [None, "", "k1:hunter2"])
def test_a_file_of_sealing_keys_that_is_of_no_use_is_one_problem_that_names_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_text(content)
    [problem] = problems_of(monkeypatch, DATABASE_URL=DSN, SEALING_KEYS_FILE=str(path))
    assert problem.startswith(f"AUDIENCE_SYNC_SEALING_KEYS_FILE {path}")
    assert "hunter2" not in problem


def test_a_lease_must_outlive_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    [problem] = problems_of(monkeypatch, FACEBOOK_CALL_TIMEOUT_SECONDS="41")
    assert problem.startswith("AUDIENCE_SYNC_LEASE_SECONDS is 60, less than 1.5 times")
    monkeypatch.setenv("AUDIENCE_SYNC_FACEBOOK_CALL_TIMEOUT_SECONDS", "40")
    assert Settings.from_environment().lease_seconds == 60


def test_the_largest_message_must_fit_into_the_work_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [problem] = problems_of(monkeypatch, MESSAGES_IN_WORK_BYTES_MAX="65536")
    assert "less than AUDIENCE_SYNC_MESSAGE_BYTES_MAX" in problem


def test_other_machines_need_tls_and_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = problems_of(monkeypatch, LISTEN="0.0.0.0:50051")
    wanted = (
        ("TLS_CERTIFICATE_FILE", "ALLOW_PLAIN_TEXT"),
        ("TOKENS_FILE", "ALLOW_CALLERS_WITHOUT_TOKEN"),
    )
    assert [problem.partition("; ")[0] for problem in problems] == [
        f"AUDIENCE_SYNC_{name} is required where other machines reach AUDIENCE_SYNC_LISTEN "
        f"(0.0.0.0:50051), unless AUDIENCE_SYNC_{unless} is true"
        for name, unless in wanted
    ]


@pytest.mark.parametrize(
    ("plain", "secure"),
    [
        ({"ALLOW_PLAIN_TEXT": "true"}, {"ALLOW_CALLERS_WITHOUT_TOKEN": "true"}),
        (
            {"TLS_CERTIFICATE_FILE": "a.pem", "TLS_KEY_FILE": "b.pem"},
            {"TOKENS_FILE": "tokens.toml"},
        ),
    ],
)
def test_either_is_given_or_done_without_in_so_many_words(
    plain: dict[str, str], secure: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_all(monkeypatch, LISTEN="[::]:50051", **plain)
    with pytest.raises(SettingsError, match="TOKENS_FILE is required"):
        Settings.from_environment()
    set_all(monkeypatch, **secure)
    assert Settings.from_environment().listen == "[::]:50051"


def test_another_facebook_is_allowed_in_so_many_words(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, FACEBOOK_BASE_URL="https://proxy.example", ALLOW_OTHER_FACEBOOK="true")
    assert Settings.from_environment().facebook_base_url == "https://proxy.example"


def test_variables_of_the_commands_do_not_stop_the_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_all(monkeypatch, TOKEN="ast_x", TLS_CA="a", TLS_CERT="b", TLS_KEY="c")
    assert Settings.from_environment() == Settings()


def test_no_secret_is_shown_by_an_error_or_by_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = problems_of(monkeypatch, DATABASE_URL="mysql://u:hunter2@db", SEALING_KEYS="k:hunter2")
    assert "hunter2" not in str(bad)
    set_all(monkeypatch, DATABASE_URL=DSN, SEALING_KEYS=KEYS)
    settings = Settings.from_environment()
    assert "hunter2" not in repr(settings)
    assert KEYS not in repr(settings)


def test_the_table_has_a_line_for_each_setting() -> None:
    lines = settings_table().splitlines()[2:]
    assert len(lines) == len(Settings.model_fields)
    assert all(line.count(" | ") == 3 for line in lines)
    assert all(row.description for row in describe_settings())


def test_the_port_for_operators_can_be_moved_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.from_environment().metrics_listen == "127.0.0.1:9464"
    for value in ("[::1]:80", "off"):
        set_all(monkeypatch, METRICS_LISTEN=value)
        assert Settings.from_environment().metrics_listen == value
    assert problems_of(monkeypatch, METRICS_LISTEN="nowhere") == (
        "AUDIENCE_SYNC_METRICS_LISTEN is not host:port or off; accepted: host:port or off",
    )


def test_metrics_are_told_to_other_machines_for_a_token_or_if_that_is_wished(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    everywhere = "0.0.0.0:9464"
    (problem,) = problems_of(monkeypatch, METRICS_LISTEN=everywhere)
    assert problem.startswith("AUDIENCE_SYNC_METRICS_TOKEN is required where other machines reach")
    assert "unless AUDIENCE_SYNC_ALLOW_METRICS_WITHOUT_TOKEN is true" in problem
    set_all(monkeypatch, METRICS_LISTEN=everywhere, METRICS_TOKEN="0123456789abcdef")
    settings = Settings.from_environment()
    assert settings.token_for_metrics() == "0123456789abcdef"
    assert "0123456789abcdef" not in repr(settings)
    monkeypatch.delenv("AUDIENCE_SYNC_METRICS_TOKEN")
    set_all(monkeypatch, ALLOW_METRICS_WITHOUT_TOKEN="true")
    assert Settings.from_environment().token_for_metrics() is None


@pytest.mark.parametrize("token", ["short", "with a space, long", "é" * 20, "x" * 300])
def test_a_token_for_metrics_that_is_none_is_refused_unquoted(
    monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    (problem,) = problems_of(monkeypatch, METRICS_TOKEN=token)
    assert problem.startswith("AUDIENCE_SYNC_METRICS_TOKEN is not a token")
    assert token not in problem
