-- The weights of a referral's tags of one kind, of its requested lines and of a line's incentives sum to exactly 1.
select touched.referral_id, tag.tag_group || ' ' || tag.tag_type as weighted, sum(bridge.weight) as weight
from stg.referral_key touched
join dw.bridge_referral_tag bridge
  on bridge.referral_key = touched.referral_key and bridge.partner_account_key = touched.partner_account_key
join dw.dim_tag tag
  on tag.tag_key = bridge.tag_key and tag.partner_account_key = bridge.partner_account_key
group by touched.referral_id, tag.tag_group, tag.tag_type
having sum(bridge.weight) <> 1
union all
select touched.referral_id, 'incentives of line ' || bridge.registration_no || '/' || bridge.line_no,
  sum(bridge.weight)
from stg.referral_key touched
join dw.bridge_line_incentive bridge
  on bridge.referral_key = touched.referral_key and bridge.partner_account_key = touched.partner_account_key
group by touched.referral_id, bridge.registration_no, bridge.line_no
having sum(bridge.weight) <> 1
union all
select touched.referral_id, 'requested lines', sum(line.weight)
from stg.referral_key touched
join dw.fact_referral_solution line
  on line.referral_key = touched.referral_key and line.partner_account_key = touched.partner_account_key
group by touched.referral_id
having sum(line.weight) <> 1
