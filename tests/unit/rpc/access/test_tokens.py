import hashlib
import secrets

import pytest

from service.rpc.access.tokens import TOKEN_CHARS_MAX, bearer_token, new_token, token_digest


def test_tokens_differ_and_hold_all_the_chance_that_was_drawn() -> None:
    assert new_token(bytes) == "ast_" + "A" * 43
    assert len({new_token(secrets.token_bytes) for _ in range(100)}) == 100


def test_what_is_kept_is_the_sha256_of_the_token() -> None:
    assert token_digest("ast_x") == hashlib.sha256(b"ast_x").digest()


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_is_found_beside_other_metadata(scheme: str) -> None:
    metadata = (("user-agent", "x"), ("authorization", f"{scheme} ast_x"))
    assert bearer_token(metadata) == "ast_x"


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("authorization", "ast_x"),),
        (("authorization", "Basic ast_x"),),
        (("authorization", "Bearer "),),
        (("authorization", b"Bearer ast_x"),),
        (("authorization", "Bearer " + "x" * (TOKEN_CHARS_MAX + 1)),),
        (("authorization", "Bearer ast_x"), ("authorization", "Bearer ast_y")),
    ],
)
def test_what_is_no_token_is_none(metadata: tuple[tuple[str, str | bytes], ...]) -> None:
    assert bearer_token(metadata) is None
