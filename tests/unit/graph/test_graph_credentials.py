from hypothesis import given
from hypothesis import strategies as st

from service.graph.credentials import MESSAGE_CHARS_MAX, Credentials, appsecret_proof
from tests.unit.graph.builders import CREDENTIALS, PROOF, SECRET, TOKEN


def test_proof_is_the_documented_signature() -> None:
    assert appsecret_proof(TOKEN, SECRET) == PROOF
    assert CREDENTIALS.proof == PROOF


def test_without_an_app_there_is_neither_app_token_nor_proof() -> None:
    alone = Credentials(access_token=TOKEN)
    assert (alone.app_token, alone.proof) == (None, None)


def test_repr_shows_no_secret() -> None:
    shown = repr(CREDENTIALS)
    assert TOKEN not in shown
    assert SECRET not in shown
    assert "555" in shown


def test_scrubbing_takes_out_tokens_secrets_hashes_devices_and_emails() -> None:
    text = (
        f"Error at https://x/?access_token=other-token&input_token={TOKEN} {SECRET} {PROOF} "
        "555%7Cdemo-app-secret-0123 EAAsomebodyElsesToken99 mary@example.com "
        f"{'ab' * 32} 38400000-8cf0-11bd-b23e-10b96e40000d"
    )
    assert CREDENTIALS.scrub(text) == (
        "Error at https://x/?access_token=***&input_token=*** *** *** "
        "555%7C*** *** <identifier> <identifier> <identifier>"
    )


def test_scrubbing_keeps_the_page_a_person_has_to_visit() -> None:
    page = "https://business.facebook.com/ads/manage/customaudiences/tos/?act=7000001"
    assert CREDENTIALS.scrub(f"Accept the terms: {page}") == f"Accept the terms: {page}"


def test_scrubbing_a_very_long_text_is_quick_and_short() -> None:
    assert len(CREDENTIALS.scrub("x" * 1_000_000)) == MESSAGE_CHARS_MAX


@given(st.text(), st.text(alphabet="abcdefEAA|+%", min_size=6), st.text())
def test_no_text_keeps_the_token(before: str, token: str, after: str) -> None:
    scrubbed = Credentials(access_token=token).scrub(before + token + after)
    assert token not in scrubbed
