-- One row per day: what metrics over time are counted on.
select
  date_day,
  fiscal_year_label,
  fiscal_quarter_label
from {{ source('dw', 'dim_date') }}
