-- How full pages are made, and when each table is vacuumed and analysed. The server's own rule, a fifth
-- of a table, is late for a big audience and for tables of a few rows that change all the time alike.
--
-- Chunks of the log are stored EXTERNAL since the first migration: digests do not compress, and trying
-- costs more than storing them. Rows of members never get long enough to be compressed.

-- Full pages: a changed row changes an indexed prefix, so it can never stay in its page's chain (HOT):
-- over eight syncs 0 of 600 updates did. What only moves a member's clock could, but room for it would
-- cost all audiences storage. With 1 % of 5 million members changed an hour, a twentieth is five hours of
-- dead rows: tests/integration/test_bloat.py holds the size within a half more.
alter table member set (
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.05
);
alter table tombstone set (
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.05
);
alter table request set (
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.05
);

-- Few records that are written and deleted in windows; each has up to 170 pieces of 2 kB in its TOAST
-- table, whose space is to be taken again by the next window: from 2 MB on.
alter table change_chunk set (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 100,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 200,
    toast.autovacuum_vacuum_scale_factor = 0.02,
    toast.autovacuum_vacuum_threshold = 1000
);

-- Updated where they lie: with room in the page the new version needs no entry in an index, unless the
-- update changes what one is about (a sync's state, an import's end, a lease's times). Over eight syncs
-- that were 32 of 49 updates of sync, 28 of 52 of audience_work, all of audience and account_pace.
alter table sync set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
alter table ad_account set (fillfactor = 70);

-- Renewed every few seconds: vacuumed after some hundred dead versions and at once, which is a page or two.
alter table audience_work set (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 200,
    autovacuum_vacuum_cost_delay = 0
);
alter table account_pace set (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 200,
    autovacuum_vacuum_cost_delay = 0
);
alter table audience set (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 200,
    autovacuum_vacuum_cost_delay = 0
);
alter table list_import set (
    fillfactor = 50,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 200,
    autovacuum_vacuum_cost_delay = 0
);

-- A list is written in one go, read whole and deleted: its index has to tell where an audience's pages
-- are, not where a row is. Block ranges do that for a tenth of a tree's cost: staging took 1.1 instead of
-- 2.1 µs and 89 instead of 154 bytes of the write-ahead log a row. Analysed while it grows, so that the
-- last chunk is planned well; never vacuumed for what was only written, at once for what was deleted.
drop index import_row_audience;
create index import_row_audience on import_row using brin (audience_no)
    with (pages_per_range = 32, autosummarize = on);
alter table import_row set (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 10000,
    autovacuum_vacuum_insert_threshold = -1,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 100000
);
