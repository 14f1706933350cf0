-- Oldest code: 0007, which counts nothing.
--
-- How many identifiers callers sent in vain, by the day: what the match-rate linter goes by. Never what
-- they were. At most thirteen keys times eleven reasons a day, kept for two weeks.
create table dropped_count (
    audience_no integer not null,
    -- Days since 1970, in UTC.
    day integer not null,
    key smallint not null,
    reason smallint not null,
    dropped bigint not null check (dropped > 0),
    primary key (audience_no, day, key, reason)
) with (fillfactor = 70);
