-- name: upsert_ad_account :exec
-- Store an ad account, or its new credentials; what they may cure no longer blocks it.
insert into ad_account as known (
    ad_account_id, name, app_id, sealed_access_token, sealed_app_secret, token_expires_at, scopes
) values (
    :ad_account_id, :name, :app_id, :sealed_access_token, :sealed_app_secret, :token_expires_at, :scopes
)
on conflict (ad_account_id) do update set
    name = excluded.name,
    app_id = excluded.app_id,
    sealed_access_token = excluded.sealed_access_token,
    sealed_app_secret = excluded.sealed_app_secret,
    token_expires_at = excluded.token_expires_at,
    scopes = excluded.scopes,
    blocked_reason = case when known.blocked_reason = any (:curable_reasons::text[])
        then null else known.blocked_reason end,
    blocked_at = case when known.blocked_reason = any (:curable_reasons::text[])
        then null else known.blocked_at end,
    probe_at = case when known.blocked_reason = any (:curable_reasons::text[])
        then null else known.probe_at end,
    token_end_told_at = null,
    updated_at = now();

-- name: cure_audiences_of_ad_account :exec
-- Try the account's audiences again: unblocked and due for a sync where new credentials may cure.
with mine as (
    select w.audience_no, coalesce(w.blocked_reason = any (:curable_reasons::text[]), false) as is_cured
    from audience_work w join audience a using (audience_no)
    where w.ad_account_id = :ad_account_id and a.disconnected_at is null
    order by w.audience_no
    for update of w
)
update audience_work w set
    blocked_reason = case when mine.is_cured then null else w.blocked_reason end,
    blocked_message = case when mine.is_cured then '' else w.blocked_message end,
    probe_at = case when mine.is_cured then null else w.probe_at end,
    next_sync_at = case when mine.is_cured then least(w.next_sync_at, now()) else w.next_sync_at end,
    due_at = least(w.due_at, now())
from mine
where w.audience_no = mine.audience_no
returning pg_notify('audience_due', ''), pg_notify('audience_changed', w.audience_no::text);

-- name: read_ad_accounts :many
-- Ad accounts in the order of their ids.
select
    ad_account_id, name, app_id, sealed_access_token, sealed_app_secret, token_expires_at, scopes,
    blocked_reason, blocked_at, probe_at, throttled_until, created_at, updated_at
from ad_account
where ad_account_id > :after_id
order by ad_account_id
limit :row_limit;

-- name: find_ad_account :one
select
    ad_account_id, name, app_id, sealed_access_token, sealed_app_secret, token_expires_at, scopes,
    blocked_reason, blocked_at, probe_at, throttled_until, created_at, updated_at
from ad_account
where ad_account_id = :ad_account_id;

-- name: block_ad_account :exec
-- Nothing is done when the account is no longer what the caller saw: its credentials may be new.
update ad_account set
    blocked_reason = :reason,
    blocked_at = case when blocked_reason = :reason then blocked_at else now() end,
    probe_at = :probe_at,
    updated_at = now()
where ad_account_id = :ad_account_id and updated_at = coalesce(:seen_at, updated_at);

-- name: lock_ad_account_as_seen :one
-- Nothing when it was changed since it was seen: its credentials may be new.
select ad_account_id from ad_account
where ad_account_id = :ad_account_id and updated_at = :seen_at
for update;

-- name: unblock_ad_account :exec
update ad_account set blocked_reason = null, blocked_at = null, probe_at = null, updated_at = now()
where ad_account_id = :ad_account_id and blocked_reason is not null;

-- name: claim_account_probe :exec
-- One audience tries for all of its account; the others wait for the next time.
update ad_account set probe_at = :next_probe_at
where ad_account_id = :ad_account_id and blocked_reason is not null
    and coalesce(probe_at <= now(), true);

-- name: block_audiences_of_ad_account :exec
-- The other audiences stop without a call of their own. Who works learns of it at a window's end;
-- who does not is looked at once, to tell those who wait.
with mine as (
    select w.audience_no from audience_work w join audience a using (audience_no)
    where w.ad_account_id = :ad_account_id and a.disconnected_at is null and w.blocked_reason is null
    order by w.audience_no
    for update of w
)
update audience_work w set
    blocked_reason = :reason,
    blocked_message = :message,
    probe_at = :probe_at,
    due_at = case when w.lease_holder is null then least(w.due_at, now()) else w.due_at end
from mine
where w.audience_no = mine.audience_no
returning pg_notify('audience_due', ''), pg_notify('audience_changed', w.audience_no::text);

-- name: probe_audiences_of_ad_account :exec
-- The account is cured: what was blocked with it is tried now.
with mine as (
    select w.audience_no from audience_work w join audience a using (audience_no)
    where w.ad_account_id = :ad_account_id and a.disconnected_at is null
        and w.blocked_reason = any (:reasons::text[])
    order by w.audience_no
    for update of w
)
update audience_work w set probe_at = now(), due_at = least(w.due_at, now())
from mine
where w.audience_no = mine.audience_no
returning pg_notify('audience_due', '');

-- name: throttle_ad_account :exec
-- A pause is never made shorter by one that was found out earlier; the other replicas are told.
update ad_account set throttled_until = greatest(throttled_until, :until)
where ad_account_id = :ad_account_id
returning pg_notify('ad_account_stopped', ad_account_id);

-- name: read_throttled_until :one
select throttled_until from ad_account where ad_account_id = :ad_account_id;

-- name: reseal_ad_account :exec
-- The same secrets under another key, unless others were stored meanwhile: updated_at stays.
update ad_account set
    sealed_access_token = :new_access_token,
    sealed_app_secret = :new_app_secret
where ad_account_id = :ad_account_id
    and sealed_access_token = :old_access_token
    and sealed_app_secret is not distinct from :old_app_secret::bytea;

-- name: claim_token_ends :many
-- Accounts whose tokens end soon and of whom that was not told lately: whoever gets them tells it.
update ad_account set token_end_told_at = :now
where token_expires_at > :now and token_expires_at < :ends_before
    and (token_end_told_at is null or token_end_told_at < :told_before)
returning ad_account_id, token_expires_at as ends_at;

-- name: list_ad_accounts_with_blocked_audiences :many
-- Those with audiences that are blocked for a reason.
select
    ad_account_id, name, app_id, sealed_access_token, sealed_app_secret, token_expires_at, scopes,
    blocked_reason, blocked_at, probe_at, throttled_until, created_at, updated_at
from ad_account
where ad_account_id in (
    select w.ad_account_id from audience_work w where w.blocked_reason = :reason
)
order by ad_account_id;
