"""Facts of an installation in which all is well, and what is found when some are not."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from service.diagnosis.ad_accounts import AccountFacts
from service.diagnosis.audience_facts import AudienceFacts
from service.diagnosis.findings import Finding, Severity
from service.diagnosis.sample import RowSample
from service.identifiers import Key
from service.store.diagnosis_rows import AudienceSigns, ServerSigns
from service.store.rows import AdAccount, Audience

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def found(findings: Iterable[Finding]) -> list[tuple[str, Severity]]:
    return [(str(one.code), one.severity) for one in findings]


def a_server(**values: Any) -> ServerSigns:
    well = ServerSigns(
        version_number=150_004,
        is_standby=False,
        has_fsync=True,
        has_full_page_writes=True,
        has_synchronous_commit=True,
        has_autovacuum=True,
        shared_buffer_bytes=128 * 1024**2,
        wal_bytes_max=1024**3,
        idle_in_transaction_count=0,
        transaction_age=50_000_000,
        now=NOW,
    )
    return replace(well, **values)


def an_account(**values: Any) -> AdAccount:
    well = AdAccount(
        ad_account_id="act_1",
        name="Shop",
        app_id="",
        sealed_access_token=b"",
        sealed_app_secret=None,
        token_expires_at=None,
        scopes=["ads_management"],
        blocked_reason=None,
        blocked_at=None,
        probe_at=None,
        throttled_until=None,
        created_at=NOW - 90 * DAY,
        updated_at=NOW - 90 * DAY,
    )
    return replace(well, **values)


def account_facts(stored: AdAccount | None = None, **values: Any) -> AccountFacts:
    return AccountFacts(stored=stored or an_account(), now=NOW, **values)


def an_audience(**values: Any) -> Audience:
    well = Audience(
        audience_no=1,
        audience_id="vip",
        ad_account_id="act_1",
        name="VIP",
        description="",
        sync_interval_s=3600,
        default_region="US",
        customer_file_source="USER_PROVIDED_ONLY",
        existing_custom_audience_id=None,
        paused=False,
        disconnect_mode=None,
        disconnected_at=None,
        revision=9,
        rows_logged=1_000,
        member_count=1_000,
        unmatchable_count=0,
        created_at=NOW - 90 * DAY,
        custom_audience_id="9001",
        adopted=False,
        blocked_reason=None,
        blocked_message="",
        approximate_count_lower_bound=1_000,
        approximate_count_upper_bound=1_000,
        operation_status=200,
        synced_revision=9,
        rows_settled=1_000,
        last_sync_at=NOW - timedelta(minutes=20),
        next_sync_at=NOW + timedelta(minutes=40),
    )
    return replace(well, **values)


def signs(**values: Any) -> AudienceSigns:
    well = AudienceSigns(
        failures_in_a_row=0,
        last_error_reason="",
        oldest_change_at=None,
        rows_sent=1_000,
        rows_refused=0,
        rows_put_off=0,
        matched_rows_added=1_000,
        people_matched=600,
        idle_import_at=None,
    )
    return replace(well, **values)


def a_sample(**values: Any) -> RowSample:
    every_row = {Key.EMAIL: 1_000, Key.PHONE: 1_000, Key.FN: 900}
    well = RowSample(
        row_count=1_000,
        rows_with=every_row,
        most_shared={Key.EMAIL: 2, Key.PHONE: 3},
    )
    return replace(well, **values)


def audience_facts(stored: Audience | None = None, **values: Any) -> AudienceFacts:
    given = {"signs": signs(), "sample": a_sample(), **values}
    return AudienceFacts(stored=stored or an_audience(), now=NOW, **given)
