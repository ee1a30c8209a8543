-- Marts that ask for month ends found them among all days, and the report's trend of 100,000 referrals took
-- 2.1 s instead of 1.0.
create index dim_date_month_end on dw.dim_date (date_day) where is_month_end;
