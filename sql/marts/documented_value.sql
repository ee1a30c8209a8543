create or replace view mart.documented_value with (security_invoker = true) as
select
  value.enum_name,
  value.parent_value,
  value.enum_value,
  value.canonical_value,
  value.description,
  value.sort_order,
  value.valid_from_date,
  value.min_employees,
  value.max_employees
from dw.documented_enum_value value;

comment on view mart.documented_value is
  'One row per documented value, under its parent where it has one: the plays of each solution area, '
  'the substatuses of each status, the bands of customer sizes. Answers: which values may a slicer '
  'offer, in which order, and which had no deal? Filter enum_name, and join canonical_value to '
  'the solution play of a mart.';
comment on column mart.documented_value.enum_name is
  'List of values, such as SolutionPlay, ReferralSubstatus or CustomerSize.';
comment on column mart.documented_value.parent_value is
  'Value this one belongs to: the area of a play, the status of a substatus. Empty at the top.';
