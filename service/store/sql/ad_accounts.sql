-- name: upsert_ad_account :exec
-- Store an ad account, or its new credentials; it is no longer blocked.
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
    blocked_reason = null,
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
    blocked_reason, throttled_until, created_at, updated_at
from ad_account
where ad_account_id > :after_id
order by ad_account_id
limit :row_limit;

-- name: find_ad_account :one
select
    ad_account_id, name, app_id, sealed_access_token, sealed_app_secret, token_expires_at, scopes,
    blocked_reason, throttled_until, created_at, updated_at
from ad_account
where ad_account_id = :ad_account_id;

-- name: block_ad_account :exec
update ad_account set blocked_reason = :reason, updated_at = now()
where ad_account_id = :ad_account_id;

-- name: throttle_ad_account :exec
-- A pause is never made shorter by one that was found out earlier; the other replicas are told.
update ad_account set throttled_until = greatest(throttled_until, :until)
where ad_account_id = :ad_account_id
returning pg_notify('ad_account_stopped', ad_account_id);

-- name: read_throttled_until :one
select throttled_until from ad_account where ad_account_id = :ad_account_id;
