-- How long do approvals of registrations take, and how many are sent back?
select
  registered_fiscal_year,
  count(*) as registered,
  count(*) filter (where was_sent_back) as sent_back,
  percentile_cont(0.5) within group (order by approval_lead_days) as median_days
from mart.registration
group by registered_fiscal_year
order by registered_fiscal_year;

-- Answer over the demo:
-- registered_fiscal_year | registered | sent_back | median_days
-- FY21 | 20 | 4 | 0
-- FY22 | 21 | 1 | 0
-- FY23 | 40 | 6 | 1.605
-- FY24 | 56 | 6 | 0
-- FY25 | 60 | 14 | 9.915
-- FY26 | 72 | 14 | 0
