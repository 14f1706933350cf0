"""Reads Facebook's objects: tokens, ad accounts, custom audiences, upload sessions, pages of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar
from urllib.parse import parse_qs, urlsplit

from service.graph.answers import Answer, Fields, OddAnswerError, as_whole
from service.graph.usage import Usage

T = TypeVar("T")

AD_ACCOUNT_FIELDS: Final = "id,account_id,name,account_status,tos_accepted,user_tos_accepted"
"""What is asked of an ad account."""

CUSTOM_AUDIENCE_FIELDS: Final = (
    "id,account_id,name,description,subtype,customer_file_source,is_value_based,"
    "approximate_count_lower_bound,approximate_count_upper_bound,delivery_status,"
    "operation_status,data_source,permission_for_actions,time_created,time_updated,"
    "time_content_updated,delete_time"
)
"""What is asked of a custom audience (graph-contract §4.2)."""

_SINGLE_KEY: Final = "HASHES_OR_USER_IDS"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenInfo:
    """What Facebook says of a token. `expires_at` is None for a token that never does.

    The `error_` fields are set when `is_valid` is false. Source: graph-contract §9.
    """

    is_valid: bool
    expires_at: datetime | None
    data_access_expires_at: datetime | None
    scopes: frozenset[str]
    app_id: str
    type: str
    error_code: int | None
    error_subcode: int | None
    error_message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdAccount:
    """An ad account; `id` is `act_<digits>`. Terms map a name to 1 where accepted.

    `account_status` 1 is active; the others are in graph-contract §9.
    """

    id: str
    name: str
    account_status: int | None
    tos_accepted: Mapping[str, int]
    user_tos_accepted: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedAdAccount:
    """An ad account, and what the answer said beside it. `answered_at`: by Facebook's clock."""

    account: AdAccount
    usage: Usage | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A state of an audience with Facebook's words for it (graph-contract §4.3, §4.4)."""

    code: int
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomAudience:
    """An audience as Facebook keeps it.

    Counts are delayed, rounded, and -1 where Facebook will not tell; None when not answered.
    `can_edit` is None when Facebook does not say.
    """

    id: str
    account_id: str
    name: str
    description: str
    subtype: str
    customer_file_source: str
    is_value_based: bool
    approximate_count_lower_bound: int | None
    approximate_count_upper_bound: int | None
    delivery_status: Status | None
    operation_status: Status | None
    data_source_type: str
    data_source_sub_type: str
    can_edit: bool | None
    time_created: datetime | None
    time_updated: datetime | None
    time_content_updated: datetime | None
    delete_time: datetime | None

    @property
    def is_single_key(self) -> bool:
        """Whether it was filled by single-key uploads, and so takes no multi-key ones."""
        return self.data_source_sub_type == _SINGLE_KEY


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSession:
    """How far Facebook is with the rows of one upload session (graph-contract §5.9).

    `end_time` is None until it has ended; `num_matched` is -1 until Facebook knows.
    """

    session_id: int
    start_time: datetime | None
    end_time: datetime | None
    num_received: int | None
    num_matched: int | None
    num_invalid_entries: int | None
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of a list; `after` is None on the last. A page in the middle may be empty."""

    items: tuple[T, ...]
    after: str | None


def read_token_info(fields: Fields, *, scrub: Callable[[str], str]) -> TokenInfo:
    """Read the answer of `debug_token`."""
    data = fields.object("data")
    if data is None or "is_valid" not in data.data:
        raise OddAnswerError("is_valid is missing")
    error = data.object("error") or Fields({})
    return TokenInfo(
        is_valid=data.flag("is_valid"),
        expires_at=data.time("expires_at"),
        data_access_expires_at=data.time("data_access_expires_at"),
        scopes=data.texts("scopes"),
        app_id=str(data.data.get("app_id") or ""),
        type=data.text("type"),
        error_code=error.optional_whole("code"),
        error_subcode=error.optional_whole("subcode"),
        error_message=scrub(error.text("message")),
    )


def read_ad_account(fields: Fields) -> AdAccount:
    """Read an ad account."""
    return AdAccount(
        id=fields.identity("id"),
        name=fields.text("name"),
        account_status=fields.optional_whole("account_status"),
        tos_accepted=_terms(fields.object("tos_accepted")),
        user_tos_accepted=_terms(fields.object("user_tos_accepted")),
    )


def read_inspected_ad_account(answer: Answer) -> InspectedAdAccount:
    """Read an ad account with what stands in the answer's headers."""
    return InspectedAdAccount(
        account=read_ad_account(Fields(answer.data or {})),
        usage=answer.usage,
        answered_at=answer.answered_at,
    )


def read_custom_audience(fields: Fields) -> CustomAudience:
    """Read a custom audience."""
    source = fields.object("data_source") or Fields({})
    permissions = fields.object("permission_for_actions") or Fields({})
    return CustomAudience(
        id=fields.identity("id"),
        account_id=str(fields.optional_whole("account_id") or ""),
        name=fields.text("name"),
        description=fields.text("description"),
        subtype=fields.text("subtype"),
        customer_file_source=fields.text("customer_file_source"),
        is_value_based=fields.flag("is_value_based"),
        approximate_count_lower_bound=fields.optional_whole("approximate_count_lower_bound"),
        approximate_count_upper_bound=fields.optional_whole("approximate_count_upper_bound"),
        delivery_status=_status(fields.object("delivery_status")),
        operation_status=_status(fields.object("operation_status")),
        data_source_type=source.text("type"),
        data_source_sub_type=source.text("sub_type"),
        can_edit=permissions.flag("can_edit") if "can_edit" in permissions.data else None,
        time_created=fields.time("time_created"),
        time_updated=fields.time("time_updated"),
        time_content_updated=fields.time("time_content_updated"),
        delete_time=fields.time("delete_time"),
    )


def read_upload_session(fields: Fields) -> UploadSession:
    """Read one entry of the sessions edge, where every figure is written as text."""
    return UploadSession(
        session_id=fields.whole("session_id"),
        start_time=fields.time("start_time"),
        end_time=fields.time("end_time"),
        num_received=fields.optional_whole("num_received"),
        num_matched=fields.optional_whole("num_matched"),
        num_invalid_entries=fields.optional_whole("num_invalid_entries"),
        stage=fields.text("stage"),
    )


def read_page(fields: Fields, *, read_item: Callable[[Fields], T], at: str | None) -> Page[T]:
    """Read a page of a list, asked for with the cursor `at`.

    Only a missing `next` ends a list. Of `next` nothing but the cursor is taken: the link carries
    a token, and names a host that ours must not be sent to. Source: graph-contract §3.5.
    """
    items = tuple(read_item(item) for item in fields.objects("data"))
    paging = fields.object("paging") or Fields({})
    link = paging.text("next")
    after = _cursor(link, paging) if link else None
    if link and after in (None, "", at):
        raise OddAnswerError("the next page has no cursor of its own")
    return Page(items=items, after=after)


def read_created_id(fields: Fields) -> str:
    """Read the id of what was made."""
    return fields.identity("id")


def read_done(fields: Fields) -> None:
    """Read the answer of an update or a deletion, which has to say that it succeeded."""
    if not fields.flag("success"):
        raise OddAnswerError("success is missing")


def _cursor(link: str, paging: Fields) -> str | None:
    try:
        found = parse_qs(urlsplit(link).query).get("after")
    except ValueError:
        found = None
    cursors = paging.object("cursors") or Fields({})
    return found[0] if found else cursors.text("after") or None


def _terms(fields: Fields | None) -> dict[str, int]:
    terms = fields.data if fields else {}
    return {name: as_whole(value) or int(value is True) for name, value in terms.items()}


def _status(fields: Fields | None) -> Status | None:
    if fields is None:
        return None
    return Status(code=fields.whole("code"), description=fields.text("description"))
