"""Page sizes and page tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rpc.errors import PageTokenInvalid
from service.rpc.paging import cut_page, page_key, page_rows, page_token

LIST = ("ListAudiences", "act_1")


@pytest.mark.parametrize(("asked", "rows"), [(0, 100), (1, 1), (1000, 1000), (1001, 1000)])
def test_page_size_has_a_default_and_a_bound(asked: int, rows: int) -> None:
    assert page_rows(asked) == rows


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1),
    st.lists(st.text(st.characters(codec="utf-8"))),
)
def test_a_token_leads_back_to_its_key(key: str, of: list[str]) -> None:
    assert page_key(page_token(key, of=of), of=of) == key


def test_no_token_begins_at_the_beginning() -> None:
    assert page_key("", of=LIST) == ""


@pytest.mark.parametrize("of", [("ListAudiences", ""), ("ListSyncs", "act_1"), ("ListAudiences",)])
def test_a_token_is_refused_by_another_list_or_filter(of: tuple[str, ...]) -> None:
    token = page_token("shoppers", of=LIST)
    with pytest.raises(PageTokenInvalid):
        page_key(token, of=of)


@given(st.data())
def test_a_token_that_was_tampered_with_is_refused(data: st.DataObject) -> None:
    token = page_token("shoppers", of=LIST)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda one: one != token[place]))
    with pytest.raises(PageTokenInvalid):
        page_key(token[:place] + other + token[place + 1 :], of=LIST)


@given(st.text(min_size=1))
def test_a_token_that_was_made_up_is_refused(token: str) -> None:
    with pytest.raises(PageTokenInvalid):
        page_key(token, of=LIST)


def test_a_key_that_no_row_can_have_is_refused() -> None:
    with pytest.raises(PageTokenInvalid):
        page_key(page_token("a\0b", of=LIST), of=LIST)


def test_the_last_page_has_no_token() -> None:
    assert cut_page(["a", "b"], limit=2, key=str, of=LIST) == (["a", "b"], "")


def test_a_page_ends_at_its_limit_and_its_token_names_the_last_row() -> None:
    page, token = cut_page(["a", "b", "c"], limit=2, key=str, of=LIST)
    assert (page, page_key(token, of=LIST)) == (["a", "b"], "b")
