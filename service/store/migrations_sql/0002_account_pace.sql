-- The pace of an ad account and who makes calls for it, shared by all replicas. One row an account,
-- exchanged whole by its version; a lost row is only a pace to be found anew.

create table account_pace (
    ad_account_id text primary key references ad_account,
    version bigint not null,
    -- Times of this table are seconds since 1970 by the database's clock.
    allowance double precision not null,
    usage_percent double precision not null,
    usage_at double precision not null,
    usual_s double precision,
    cut_at double precision not null,
    -- One entry a replica, in the same order.
    holders text[] not null,
    wanted bigint[] not null,
    places bigint[] not null,
    seen_at double precision[] not null,
    check (
        cardinality(holders) = cardinality(wanted)
        and cardinality(holders) = cardinality(places)
        and cardinality(holders) = cardinality(seen_at)
    )
) with (fillfactor = 50);
