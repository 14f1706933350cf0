-- Oldest code: 0007, which does not look at it.
--
-- When the last list began that replaced the whole membership. It told of everybody, so what is said of an
-- earlier time is older than that list, also of members whom it changed nothing about or who are not kept.
alter table audience add column list_began_at timestamptz;
