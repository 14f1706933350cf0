import pytest

from service.exposure import is_facebook_or_loopback, is_loopback, listens_to_others


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.10", "[::1]", "::1", "localhost", "LocalHost"]
)
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        *("0.0.0.0", "[::]", "10.0.0.1", "128.0.0.1", "[fe80::1]", "db", "", "127.0.0.1.example"),  # noqa: S104
        *("localhost.example", "127.1", "0177.0.0.1", "2130706433"),
    ],
)
def test_what_other_machines_may_reach(host: str) -> None:
    assert not is_loopback(host)


def test_the_port_says_nothing_of_who_can_reach_it() -> None:
    assert not listens_to_others("127.0.0.1:50051")
    assert not listens_to_others("[::1]:0")
    assert listens_to_others("0.0.0.0:50051")
    assert listens_to_others("[::]:127")


@pytest.mark.parametrize(
    "url",
    [
        "https://graph.facebook.com",
        "https://GRAPH.facebook.com:443/v1",
        "http://127.0.0.1:8082",
        "http://localhost:8082/path",
        "https://[::1]:8082",
    ],
)
def test_tokens_go_to_facebook_or_stay_here(url: str) -> None:
    assert is_facebook_or_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://graph.facebook.com",
        "https://graph.facebook.com:8443",
        "https://graph.facebook.com.example",
        "https://graph.facebook.com@example.com",
        "https://me:pw@graph.facebook.com",
        "https://example.com\\@graph.facebook.com",
        "https://example.com/graph.facebook.com",
        "https://127.0.0.1@example.com",
        "http://127.0.0.1:80@example.com",
        "http://localhost.example",
        "ftp://127.0.0.1",
        "https://graph.facebook.com.",
        "",
    ],
)
def test_everywhere_else_is_elsewhere(url: str) -> None:
    assert not is_facebook_or_loopback(url)
