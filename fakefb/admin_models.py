"""Owns the shapes that the admin port takes in; anything else is refused with a reason."""

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    field_validator,
    model_validator,
)

from fakefb.audience_status import OPERATION_TEXTS
from fakefb.fault_rules import FaultRule
from fakefb.normalizer.member import PlainMember
from fakefb.people import SINGLE_FIELDS, Person
from fakefb.profiles import Profile
from fakefb.tiers import Tier
from fakefb.tokens import ALL_SCOPES

AdAccountId = Annotated[str, StringConstraints(pattern=r"^act_[0-9]{1,20}$")]
Region = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Text = Annotated[str, StringConstraints(max_length=2_000)]
TokenText = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]

AccountStatus = Literal[1, 2, 3, 7, 8, 9, 100, 101, 201, 202]
ADVANCE_S_MAX = 100 * 366 * 86_400


TokenState = Literal[
    "live",
    "app_removed",
    "checkpoint",
    "password_changed",
    "unconfirmed",
    "revoked",
    "session_invalid",
    "unused",
]
Allowance = Annotated[int | None, Field(ge=0, le=10_000_000)]
FlaggedField = Literal["name", "description", "opt_out_link", "customer_file_source"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class AdAccountChange(_Strict):
    """What can be said of an ad account; what is not given stays, or has its default."""

    name: Text | None = None
    account_status: AccountStatus | None = None
    tos_accepted: bool | None = None
    value_tos_accepted: bool | None = None
    tier: Tier | None = None
    calls_per_hour: Allowance = None
    cpu_s_per_hour: Allowance = None
    time_s_per_hour: Allowance = None
    calls_per_minute: Allowance = None
    score_max: Allowance = None


class NewAdAccount(AdAccountChange):
    """A new ad account."""

    ad_account_id: AdAccountId


class TokenChange(_Strict):
    """What can be said of a token; what is not given stays, or has its default."""

    app_id: Text | None = None
    app_secret: Text | None = None
    scopes: list[Text] | None = None
    expires_at: int | None = Field(default=None, ge=0, le=10_000_000_000)
    ad_account_ids: list[AdAccountId] | None = None
    require_proof: bool | None = None
    revoked: bool | None = None
    state: TokenState | None = None
    kind: Literal["SYSTEM_USER", "USER"] | None = None
    calls_per_hour: Allowance = None


class NewToken(TokenChange):
    """A new token, by default with every scope."""

    access_token: TokenText
    scopes: list[Text] | None = list(ALL_SCOPES)


class AudienceChange(_Strict):
    """What Meta does to an audience by itself; what is not given stays, null takes it back."""

    flagged_fields: list[FlaggedField] | None = None
    operation_code: int | None = None
    delete_time: int | None = Field(default=None, ge=0, le=10_000_000_000)

    @field_validator("operation_code")
    @classmethod
    def _is_documented(cls, value: int | None) -> int | None:
        if value is not None and value not in OPERATION_TEXTS:
            raise ValueError(f"must be one of {', '.join(map(str, OPERATION_TEXTS))}")
        return value


class Identified(_Strict):
    """Plain identifiers of a person or a member."""

    emails: list[Text] = []
    phones: list[Text] = []
    mobile_ad_ids: list[Text] = []
    first_name: Text = ""
    last_name: Text = ""
    gender: Text = ""
    birth_year: Text = ""
    birth_month: Text = ""
    birth_day: Text = ""
    city: Text = ""
    state: Text = ""
    zip: Text = ""
    country: Text = ""

    def single(self) -> dict[str, str]:
        """Return the single-valued fields that have a value."""
        values = {name: str(getattr(self, name)) for name in SINGLE_FIELDS}
        return {name: value for name, value in values.items() if value}


class NewPerson(Identified):
    """One person of the population."""

    person_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]

    def person(self) -> Person:
        """Return the person."""
        return Person(
            person_id=self.person_id,
            emails=tuple(self.emails),
            phones=tuple(self.phones),
            mobile_ad_ids=tuple(self.mobile_ad_ids),
            single=self.single(),
        )


class NewPeople(_Strict):
    """People to append; `default_region` reads the national phones of who has no country."""

    people: list[NewPerson] = Field(max_length=200_000)
    default_region: Region = "US"


class Generate(_Strict):
    """How many people to make up."""

    count: int = Field(ge=1, le=1_000_000)
    seed: int = 0


class Member(Identified):
    """A member as callers of an audience service describe it."""

    member_id: str = ""
    traits: dict[str, Text] = {}

    def plain(self) -> PlainMember:
        """Return the member for the normaliser."""
        return PlainMember(
            emails=self.emails,
            phones=self.phones,
            mobile_ad_ids=self.mobile_ad_ids,
            single=self.single(),
            traits=self.traits,
        )


class MatchMembers(_Strict):
    """Members whose people are asked for."""

    members: list[Member] = Field(max_length=200_000)
    default_region: Region = "US"


class Explain(_Strict):
    """A plain member, or a row as it is sent, whose matches are to be explained."""

    member: Member | None = None
    row: dict[str, Text] | None = Field(default=None, min_length=1, max_length=40)
    custom_audience_id: Text | None = None
    default_region: Region = "US"
    plain: bool = False
    """Whether the answer may hold identifiers and plain people."""

    @model_validator(mode="after")
    def _one_of_both(self) -> "Explain":
        if (self.member is None) == (self.row is None):
            raise ValueError("give either member or row")
        return self


class Advance(_Strict):
    """Seconds to move the clock forward."""

    advance_s: float = Field(ge=0, le=ADVANCE_S_MAX)


class ClockChange(_Strict):
    """Whether the clock stands."""

    frozen: bool


class ProfileChange(_Strict):
    """How the fake behaves by itself."""

    name: Profile


RULES: TypeAdapter[list[FaultRule]] = TypeAdapter(
    Annotated[list[FaultRule], Field(max_length=1_000)], config=ConfigDict(defer_build=True)
)
