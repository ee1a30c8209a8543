-- Every pair of documented values, so that also a pair that the documentation forbids is known as
-- forbidden. Keys and order are tens of the status plus the substatus; publishing appends others.
with status as (
  select *
  from (
    values
      ('None', 0),
      ('New', 1),
      ('Active', 2),
      ('Closed', 3)
  ) as v (referral_status, position)
),
substatus as (
  select *
  from (
    values
      ('None', 0, null),
      ('Pending', 1, 'New'),
      ('Received', 2, 'New'),
      ('Accepted', 3, 'Active'),
      ('Won', 4, 'Closed'),
      ('Lost', 5, 'Closed'),
      ('Declined', 6, 'Closed'),
      ('Expired', 7, 'Closed'),
      ('Error', 8, 'Closed')
  ) as v (referral_substatus, position, allowed_status)
),
pair as (
  select
    status.position * 10 + substatus.position as status_key,
    referral_status,
    referral_substatus,
    case
      when referral_status = 'None' or referral_substatus = 'None' then null
      else referral_status = allowed_status
    end as is_allowed_combination
  from status
  cross join substatus
)
insert into dw.dim_status (
  status_key,
  referral_status,
  referral_substatus,
  stage_label,
  stage_sort,
  is_open,
  is_closed,
  is_won,
  is_lost,
  is_decided,
  is_documented,
  is_allowed_combination
)
select
  status_key,
  referral_status,
  referral_substatus,
  referral_status || ' - ' || referral_substatus as stage_label,
  status_key as stage_sort,
  referral_status in ('New', 'Active') as is_open,
  referral_status = 'Closed' as is_closed,
  referral_status = 'Closed' and referral_substatus = 'Won' as is_won,
  referral_status = 'Closed' and referral_substatus = 'Lost' as is_lost,
  referral_status = 'Closed' and referral_substatus in ('Won', 'Lost') as is_decided,
  true as is_documented,
  is_allowed_combination
from pair
union all
-- The member of referrals that carry neither; it sorts behind every stage.
select
  -1,
  '(Not provided)',
  '(Not provided)',
  '(Not provided)',
  999,
  false,
  false,
  false,
  false,
  false,
  false,
  null
order by status_key;
