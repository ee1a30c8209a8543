-- Which doubts are there about the data, by rule?
select rule_code, severity, count(*) as finding_count
from mart.data_quality
group by rule_code, severity
order by rule_code, severity;

-- Answer over the demo:
-- rule_code | severity | finding_count
-- acv_below_minimum | info | 84
-- contract_start_too_early | warn | 19
-- expired_but_open | warn | 6
-- mixed_currency | warn | 2
-- not_deployed_on_azure | warn | 36
-- perpetual_with_end_date | warn | 6
-- registered_too_late | warn | 11
-- short_contract | info | 8
-- unknown_enum_value | warn | 8
-- won_too_soon | warn | 36
-- zero_value | warn | 35
