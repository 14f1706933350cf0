-- A compacted chunk holds a window's worth of rows: the rows that leavers had together stay together.
alter table change_chunk drop constraint change_chunk_row_count_check;
alter table change_chunk add constraint change_chunk_row_count_check
    check (row_count between 1 and 200000);
