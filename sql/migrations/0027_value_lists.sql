-- The documented values are for readers too: since when a value is listed, and how many employees a
-- size stands for.
alter table etl.enum_value
  add column valid_from_date date,
  add column min_employees integer,
  add column max_employees integer;
comment on column etl.enum_value.valid_from_date is
  'Day from which the documentation lists it; null where it names none.';
comment on column etl.enum_value.min_employees is
  'Least number of employees of a CustomerSize; null for other enumerations.';
comment on column etl.enum_value.max_employees is
  'Greatest number of employees of a CustomerSize; null for the last of a scale.';

-- The taxonomy of Microsoft's fiscal year 2026, which replaced an earlier one.
update etl.enum_value
set valid_from_date = date '2025-07-01'
where enum_name in ('SolutionArea', 'SolutionPlay') and is_documented;

update etl.enum_value
set
  min_employees = case
    when enum_value like 'Morethan%' then substring(enum_value from '\d+')::integer + 1
    else substring(enum_value from '^\d+')::integer
  end,
  max_employees = substring(enum_value from 'to(\d+)employees$')::integer
where enum_name = 'CustomerSize' and is_documented;

alter table dw.dim_customer add column customer_size_max_employees integer;
alter table stg.dim_customer add column customer_size_max_employees integer;
comment on column dw.dim_customer.customer_size_max_employees is
  'Greatest number of employees of customer_size; null for an unknown band and for the last one of '
  'a scale.';
comment on column stg.dim_customer.customer_size_max_employees is
  'Greatest number of employees of customer_size; null for an unknown band and for the last one of '
  'a scale.';

-- Profiles never change, so those of earlier versions get it here.
update dw.dim_customer
set customer_size_max_employees = substring(customer_size from '(?i)to(\d{1,9})employees$')::integer
where customer_size ~* '^\d{1,9}to\d{1,9}employees$';
