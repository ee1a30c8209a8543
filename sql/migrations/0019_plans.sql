-- An index with the account serves any condition on the account, at its second place too (PostgreSQL
-- 18 skips). To an account that is new to the statistics of raw.payload it looks as good as the
-- primary key, and is smaller: each look-up of one resource then read all payloads of the account. A
-- run has one account, so its number is enough.
drop index raw.payload_run;
create index payload_run on raw.payload (run_id);
