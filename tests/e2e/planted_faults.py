"""Faults to plant in a healthy installation, each of which a diagnosis has to find alone."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeAlias

from tests.e2e.conftest import ACCESS_TOKEN, AD_ACCOUNT_ID, AUDIENCE_ID, Stack
from tests.e2e.ways_to_plant import (
    at_facebook,
    hashed_null,
    in_sql,
    low_match_status,
    national_phones,
    placeholders,
    role_mailboxes,
    setting_off,
    waiting_change,
)

DAY_S = 86_400
SYNC = (
    "insert into sync (audience_no, sync_no, trigger, mode, state, requested_at, started_at, ended_at,"
    " rows_to_add, rows_added, rows_invalid, matched_count)"
    " select audience_no, 9000, 'REQUEST', 'CHANGES', '{state}', now(), now(), now(),"
    " {added} + {invalid}, {added}, {invalid}, {matched} from audience"
)
NO_SYNC = "delete from sync where sync_no = 9000"
TOKEN, ACCOUNT = f"tokens/{ACCESS_TOKEN}", f"ad_accounts/{AD_ACCOUNT_ID}"
WORK = "update audience_work set"
PAUSED = (
    "with paused as (update audience set paused = {paused})"
    " update audience_work set last_sync_at = now() - interval '{idle}'"
)


@dataclass(frozen=True)
class Fault:
    """What is planted, and whose finding tells it."""

    code: str
    planted: Callable[[Stack], AbstractContextManager[None]]
    is_about: str = ""


Found: TypeAlias = tuple[str, str]
"""The code, and the audience, else the ad account, else nothing."""

FAULTS = (
    Fault("COMMITS_NOT_DURABLE", setting_off("full_page_writes")),
    Fault(
        "AUTOVACUUM_OFF",
        in_sql(
            "alter table member set (autovacuum_enabled = off)",
            "alter table member reset (autovacuum_enabled)",
        ),
    ),
    Fault(
        "MIGRATIONS_AHEAD",
        in_sql(
            "insert into schema_migration (version, name, checksum)"
            " select max(version) + 1, 'newer', '' from schema_migration",
            "delete from schema_migration where name = 'newer'",
        ),
    ),
    Fault(
        "SEALING_KEY_MISSING",
        in_sql(
            "update ad_account set sealed_access_token = set_byte(sealed_access_token, 2, ascii('9'))",
            "update ad_account set sealed_access_token = set_byte(sealed_access_token, 2, ascii('1'))",
        ),
        AD_ACCOUNT_ID,
    ),
    Fault(
        "TOKEN_EXPIRES_SOON",
        at_facebook(TOKEN, {"expires_at": int(time.time()) + 3 * DAY_S}, {"expires_at": 0}),
        AD_ACCOUNT_ID,
    ),
    Fault(
        "SCOPE_MISSING",
        at_facebook(TOKEN, {"scopes": ["ads_read"]}, {"scopes": ["ads_read", "ads_management"]}),
        AD_ACCOUNT_ID,
    ),
    Fault(
        "TERMS_NOT_ACCEPTED",
        at_facebook(ACCOUNT, {"tos_accepted": False}, {"tos_accepted": True}),
        AD_ACCOUNT_ID,
    ),
    Fault(
        "AD_ACCOUNT_CLOSED",
        at_facebook(ACCOUNT, {"account_status": 2}, {"account_status": 1}),
        AD_ACCOUNT_ID,
    ),
    Fault(
        "AUDIENCE_BLOCKED",
        in_sql(
            f"{WORK} blocked_reason = 'AUDIENCE_FLAGGED', probe_at = now() + interval '1 hour'",
            f"{WORK} blocked_reason = null, probe_at = null",
        ),
        AUDIENCE_ID,
    ),
    Fault(
        "AUDIENCE_PAUSED_LONG",
        in_sql(
            PAUSED.format(paused="true", idle="8 days"),
            PAUSED.format(paused="false", idle="0"),
        ),
        AUDIENCE_ID,
    ),
    Fault("OPERATION_STATUS_ODD", low_match_status, AUDIENCE_ID),
    Fault("CHANGES_LATE", waiting_change, AUDIENCE_ID),
    Fault(
        "SYNCS_FAIL",
        in_sql(f"{WORK} failures_in_a_row = 3", f"{WORK} failures_in_a_row = 0"),
        AUDIENCE_ID,
    ),
    Fault(
        "ROWS_REFUSED",
        in_sql(
            SYNC.format(state="PARTIALLY_SUCCEEDED", added=80, invalid=20, matched="null"), NO_SYNC
        ),
        AUDIENCE_ID,
    ),
    Fault(
        "MATCH_RATE_LOW",
        in_sql(SYNC.format(state="SUCCEEDED", added=10_000, invalid=0, matched=90), NO_SYNC),
        AUDIENCE_ID,
    ),
    Fault(
        "IMPORT_ABANDONED",
        in_sql(
            "insert into list_import"
            " (audience_no, import_id, mode, is_dry_run, started_at, touched_at, result)"
            " select audience_no, 'left', 'DELTA', false, now(), now() - interval '2 hours', ''"
            " from audience",
            "delete from list_import",
        ),
        AUDIENCE_ID,
    ),
    Fault("PHONES_DROPPED", national_phones, AUDIENCE_ID),
    Fault("ROLE_MAILBOXES", role_mailboxes, AUDIENCE_ID),
    Fault("IDENTIFIER_SHARED", placeholders, AUDIENCE_ID),
    Fault("HASH_OF_NOTHING", hashed_null, AUDIENCE_ID),
    # The last: a service that has seen it keeps to it, and would send nothing for the others.
    Fault(
        "AD_ACCOUNT_THROTTLED",
        in_sql(
            "update ad_account set throttled_until = now() + interval '20 seconds'",
            "update ad_account set throttled_until = null",
        ),
        AD_ACCOUNT_ID,
    ),
)
