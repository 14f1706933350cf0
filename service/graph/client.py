"""The Graph API calls that the service needs, as methods."""

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Final, TypeVar

import aiohttp

from service.graph import objects, requests
from service.graph.answers import Answer, Fields
from service.graph.credentials import Credentials
from service.graph.exchange import Exchange
from service.graph.failure import GraphFailure
from service.graph.objects import (
    AdAccount,
    CustomAudience,
    InspectedAdAccount,
    Page,
    TokenInfo,
    UploadSession,
)
from service.graph.receipts import Receipt, read_receipt
from service.graph.requests import Call
from service.graph.verdicts import Verdict

T = TypeVar("T")

PAGES_MAX: Final = 1_000
"""Pages of one list; an account may have 10,500 audiences (graph-contract §8.4)."""


class GraphClient:
    """The calls of the Graph API that the service needs.

    Every method raises GraphFailure, and nothing else on whatever Facebook or the network does.
    ValueError is for calls that no caller should make: an id that is none, no rows, too many rows.
    Nothing is retried here. The session should come from `open_http_session`.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str = "https://graph.facebook.com",
        version: str = "v26.0",
        timeout_s: float = 30.0,
    ) -> None:
        self._exchange = Exchange(session, base_url=base_url, version=version, timeout_s=timeout_s)

    async def debug_token(self, credentials: Credentials) -> TokenInfo:
        """Inspect the access token. A bad token is an answer too, with `is_valid` false."""
        read = partial(objects.read_token_info, scrub=credentials.scrub)
        return await self._ask(requests.debug_token(credentials), credentials, read)

    async def read_ad_account(self, credentials: Credentials, ad_account_id: str) -> AdAccount:
        """Read an ad account (`act_<digits>`) and which terms are accepted."""
        call = requests.read_ad_account(credentials, ad_account_id)
        return await self._ask(call, credentials, objects.read_ad_account)

    async def inspect_ad_account(
        self, credentials: Credentials, ad_account_id: str
    ) -> InspectedAdAccount:
        """As `read_ad_account`, with how much of its calls it has used and when that was answered."""
        call = requests.read_ad_account(credentials, ad_account_id)
        return await self._exchange.make(call, credentials, objects.read_inspected_ad_account)

    async def create_custom_audience(
        self,
        credentials: Credentials,
        ad_account_id: str,
        *,
        name: str,
        description: str,
        customer_file_source: str,
    ) -> str:
        """Create an audience and return its id. Calling again makes another one."""
        call = requests.create_custom_audience(
            credentials,
            ad_account_id,
            name=name,
            description=description,
            customer_file_source=customer_file_source,
        )
        return await self._ask(call, credentials, objects.read_created_id)

    async def read_custom_audience(
        self, credentials: Credentials, custom_audience_id: str
    ) -> CustomAudience:
        """Read an audience."""
        call = requests.read_custom_audience(credentials, custom_audience_id)
        return await self._ask(call, credentials, objects.read_custom_audience)

    async def update_custom_audience(
        self, credentials: Credentials, custom_audience_id: str, *, name: str, description: str
    ) -> None:
        """Set an audience's name and description."""
        call = requests.update_custom_audience(
            credentials, custom_audience_id, name=name, description=description
        )
        await self._ask(call, credentials, objects.read_done)

    async def delete_custom_audience(
        self, credentials: Credentials, custom_audience_id: str
    ) -> None:
        """Delete an audience for good."""
        call = requests.delete_custom_audience(credentials, custom_audience_id)
        await self._ask(call, credentials, objects.read_done)

    async def list_custom_audiences(
        self, credentials: Credentials, ad_account_id: str
    ) -> AsyncIterator[CustomAudience]:
        """Walk an account's audiences, newest first, to the very last page."""

        def call_at(after: str | None) -> Call:
            return requests.list_custom_audiences(credentials, ad_account_id, after=after)

        async for audience in self._walk(call_at, credentials, objects.read_custom_audience):
            yield audience

    async def add_users(
        self,
        credentials: Credentials,
        custom_audience_id: str,
        rows: Sequence[bytes],
        *,
        session_id: int,
    ) -> Receipt:
        """Add 1 to 10,000 packed rows; each call needs a session id of its own."""
        call = requests.add_users(credentials, custom_audience_id, rows, session_id=session_id)
        return await self._send_rows(call, credentials, custom_audience_id, rows)

    async def remove_users(
        self,
        credentials: Credentials,
        custom_audience_id: str,
        rows: Sequence[bytes],
        *,
        session_id: int,
    ) -> Receipt:
        """Remove 1 to 10,000 packed rows; each call needs a session id of its own."""
        call = requests.remove_users(credentials, custom_audience_id, rows, session_id=session_id)
        return await self._send_rows(call, credentials, custom_audience_id, rows)

    def list_sessions(
        self, credentials: Credentials, custom_audience_id: str, *, session_id: int | None = None
    ) -> AsyncIterator[UploadSession]:
        """Read how far an audience's upload sessions are, page by page; or one of them."""

        def call_at(after: str | None) -> Call:
            return requests.list_sessions(credentials, custom_audience_id, session_id, after=after)

        return self._walk(call_at, credentials, objects.read_upload_session)

    async def _send_rows(
        self,
        call: Call,
        credentials: Credentials,
        custom_audience_id: str,
        rows: Sequence[bytes],
    ) -> Receipt:
        read = partial(
            read_receipt,
            rows=rows,
            custom_audience_id=custom_audience_id,
            scrub=credentials.scrub,
        )
        return await self._exchange.make(call, credentials, read)

    async def _ask(self, call: Call, credentials: Credentials, read: Callable[[Fields], T]) -> T:
        def read_fields(answer: Answer) -> T:
            return read(Fields(answer.data or {}))

        return await self._exchange.make(call, credentials, read_fields)

    async def _walk(
        self,
        call_at: Callable[[str | None], Call],
        credentials: Credentials,
        read_item: Callable[[Fields], T],
    ) -> AsyncIterator[T]:
        after: str | None = None
        for _ in range(PAGES_MAX):
            read = partial(objects.read_page, read_item=read_item, at=after)
            page: Page[T] = await self._ask(call_at(after), credentials, read)
            for item in page.items:
                yield item
            after = page.after
            if after is None:
                return
        raise GraphFailure(Verdict.TRANSIENT, message=f"the list has over {PAGES_MAX} pages")
