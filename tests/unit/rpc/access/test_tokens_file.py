from datetime import UTC, datetime

import pytest

from service.rpc.access.scopes import Scope
from service.rpc.access.tokens import certificate_digest, is_of_certificate, token_digest
from service.rpc.access.tokens_file import TokensFileError, parse_tokens
from tests.unit.rpc.access.builders import a_line

HASH = "0" * 64
END = datetime(2027, 1, 31, tzinfo=UTC)


def problem_of(text: str) -> str:
    with pytest.raises(TokensFileError) as caught:
        parse_tokens(text)
    [problem] = caught.value.problems
    return problem


def test_a_line_that_was_made_reads_back() -> None:
    line = a_line(
        "billing-2",
        "ast_x",
        scopes=(Scope.READ, Scope.WRITE),
        audiences=("crm-*", "news"),
        ad_accounts=("act_1",),
        expires=END,
    )
    assert "\n" not in line
    [(digest, caller)] = parse_tokens(line).items()
    assert digest == token_digest("ast_x")
    assert caller.name == "billing-2"
    assert set(caller.scopes) == {Scope.READ, Scope.WRITE}
    assert caller.audience_patterns == ("crm-*", "news")
    assert set(caller.ad_account_ids) == {"act_1"}
    assert caller.expires_at == END


def test_a_line_that_would_not_read_back_is_not_made() -> None:
    with pytest.raises(TokensFileError):
        a_line("Billing")
    with pytest.raises(TokensFileError):
        a_line(audiences=('x", "y',))


def test_two_tokens_of_one_caller_give_the_same_caller() -> None:
    text = f'billing = {{ sha256 = ["{HASH}", "{"1" * 64}"], scopes = ["read"] }}'
    one, other = parse_tokens(text).values()
    assert one == other


def test_a_caller_may_have_names_of_certificates_beside_tokens_or_instead() -> None:
    text = f'a = {{ sha256 = ["{HASH}"], certificates = ["a.example"], scopes = ["read"] }}'
    assert parse_tokens(text).keys() == {bytes(32), certificate_digest("a.example")}
    alone = parse_tokens('a = { certificates = ["a.example", "CN of A"], scopes = ["read"] }')
    assert alone.keys() == {certificate_digest("a.example"), certificate_digest("CN of A")}
    assert all(map(is_of_certificate, alone))
    assert not is_of_certificate(token_digest("a.example"))


def test_comments_and_an_empty_file_are_taken() -> None:
    assert parse_tokens("# nobody yet\n") == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("billing =", "is not TOML: end of document"),
        ("\nbilling ! =", "is not TOML: line 2, column 9"),
        (f'billing = "{HASH}"', "billing: must have sha256 or certificates, and scopes"),
        ('billing = { scopes = ["read"] }', "billing: must have sha256 or certificates"),
        (f'billing = {{ sha256 = ["{HASH}"] }}', "billing: scopes is missing"),
        (f'a = {{ sha256 = ["{HASH}"], scopes = ["all"] }}', "a: scopes must be a list of read"),
        (f'a = {{ sha256 = ["{HASH}"], scopes = [] }}', "a: scopes must"),
        (f'a = {{ sha256 = "{HASH}", scopes = ["read"] }}', "a: sha256 must be a list"),
        ('a = { sha256 = ["ast_x"], scopes = ["read"] }', "a: sha256 must be a list"),
        (f'a = {{ sha256 = ["{HASH}"], scopes = ["read"], x = 1 }}', "a: must have sha256 or"),
        (f'a = {{ sha256 = ["{HASH}"], scopes = ["read"], audiences = [] }}', "a: audiences must"),
        (
            f'a = {{ sha256 = ["{HASH}"], scopes = ["read"], audiences = ["*x"] }}',
            "a: audiences must",
        ),
        (
            f'a = {{ sha256 = ["{HASH}"], scopes = ["read"], ad_accounts = ["1"] }}',
            "a: ad_accounts must",
        ),
        (
            f'a = {{ sha256 = ["{HASH}"], scopes = ["read"], expires = 2027-01-31T00:00:00 }}',
            "a: expires must be a time with its zone",
        ),
        (f'"A B" = {{ sha256 = ["{HASH}"], scopes = ["read"] }}', "a caller's name must be"),
        ('a = { certificates = [" x"], scopes = ["read"] }', "a: certificates must be a list"),
        ('a = { certificates = [], scopes = ["read"] }', "a: must have sha256 or certificates"),
        (
            'a = { certificates = ["x", "x"], scopes = ["read"] }',
            "a has a token or certificate that is given twice",
        ),
        (
            f'a = {{ sha256 = ["{HASH}", "{HASH}"], scopes = ["read"] }}',
            "a has a token or certificate that is given twice",
        ),
    ],
)
def test_a_mistake_is_told_with_its_caller_and_field(text: str, told: str) -> None:
    assert problem_of(text).startswith(told)


def test_a_token_in_the_place_of_its_hash_is_not_repeated() -> None:
    for text in (
        'a = { sha256 = ["ast_secret"], scopes = ["read"] }',
        "ast_secret",
        "a = ast_secret",
    ):
        assert "ast_secret" not in problem_of(text)
