-- The weights of a referral's tags of one kind, of its sellers of one kind, of its requested lines and of a line's incentives sum to exactly 1.
select bridge.referral_id, tag.tag_group || ' ' || tag.tag_type as weighted, sum(bridge.weight) as weight
from touched_bridge_referral_tag bridge
join dw.dim_tag tag
  on tag.tag_key = bridge.tag_key and tag.partner_account_key = :partner_account_key
group by bridge.referral_id, tag.tag_group, tag.tag_type
having sum(bridge.weight) <> 1
union all
select referral_id, 'incentives of line ' || registration_no || '/' || line_no, sum(weight)
from touched_bridge_line_incentive
group by referral_id, registration_no, line_no
having sum(weight) <> 1
union all
select referral_id, 'requested lines', sum(weight)
from touched_fact_referral_solution
group by referral_id
having sum(weight) <> 1
union all
select bridge.referral_id, seller.seller_kind || ' sellers', sum(bridge.weight)
from touched_bridge_referral_seller bridge
join dw.dim_seller seller
  on seller.seller_key = bridge.seller_key
  and seller.partner_account_key = :partner_account_key
group by bridge.referral_id, seller.seller_kind
having sum(bridge.weight) <> 1
