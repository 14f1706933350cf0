"""Lists member by member, as tests compare them."""

from collections.abc import Iterable, Iterator

from service.cli.customer_list import CustomerList, MemberColumns

Listed = tuple[str, dict[str, str]]
"""An id, and the values that are not blank by trait name."""


def members_in(blocks: Iterable[MemberColumns]) -> Iterator[Listed]:
    for block in blocks:
        for place, member_id in enumerate(block.member_ids):
            values = {name: texts[place] for name, texts in block.traits.items()}
            yield member_id, {name: text for name, text in values.items() if text.strip()}


def members_of(source: CustomerList, skip: int = 0) -> Iterator[Listed]:
    return members_in(source.columns(skip, lambda _: None))


def ids_of(source: CustomerList, skip: int = 0) -> list[str]:
    return [member_id for member_id, _ in members_of(source, skip)]
