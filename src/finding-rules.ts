/**
 * Every data-quality rule: the severity of its findings, the step that raises it, and its meaning
 * for the reader of `mart.data_quality`. docs/reference/findings.md is generated from this table.
 */
export const findingRules = {
  acv_below_minimum: {
    severity: 'info',
    source: 'load',
    meaning:
      "A contract's annual value is below the programme's minimum, in US dollars at the rate of its day.",
  },
  cell_not_loaded: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A cell of an imported file cannot be read; the referral is loaded without it.',
  },
  contract_end_before_start: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A contract ends before it starts.',
  },
  contract_sign_date_in_future: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A contract is signed on a day after it was read.',
  },
  contract_signed_before_creation: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A contract was signed before its referral was created.',
  },
  contract_start_too_early: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A contract starts more days before its registration than the programme allows.',
  },
  created_day_estimated: {
    severity: 'info',
    source: 'transform',
    meaning:
      'No imported file shows the day of creation; it is the earliest day that the files show, or 2000-01-01.',
  },
  duplicate_policy: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A registration line names the same incentive policy more than once.',
  },
  enum_case_variant: {
    severity: 'info',
    source: 'transform',
    meaning:
      'A value is spelled in another case than documented; the documented spelling is loaded.',
  },
  expired_but_open: {
    severity: 'warn',
    source: 'mart',
    meaning: 'A referral is still open though its day of expiry is past, as of the day of reading.',
  },
  implausible_date: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A date lies outside 2000 to 2099 or is not a day of the calendar.',
  },
  marketplace_date_missing: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A line was bought in the marketplace, and its purchase date is missing.',
  },
  missing_fx_rate: {
    severity: 'warn',
    source: 'load',
    meaning:
      'An amount has no exchange rate for its currency and day, so its converted columns are null.',
  },
  mixed_currency: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A registration line has another currency than its contract.',
  },
  more_than_one_registration: {
    severity: 'info',
    source: 'transform',
    meaning: 'A referral has more than one registration.',
  },
  negative_duration: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A milestone lies more than a day before the one that it must follow.',
  },
  negative_value: {
    severity: 'warn',
    source: 'transform',
    meaning: 'An amount is below zero.',
  },
  not_deployed_on_azure: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A registered solution is not deployed on Azure.',
  },
  object_instead_of_list: {
    severity: 'info',
    source: 'transform',
    meaning: 'The API sends one object where it usually sends a list; it is read as a list of one.',
  },
  perpetual_with_end_date: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A perpetual contract has an end date, which is ignored.',
  },
  principal_sees_fewer: {
    severity: 'warn',
    source: 'load',
    meaning:
      'The signed-in user sees fewer referrals than the account has, so changes of the others are not read.',
  },
  registered_too_late: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A deal was registered more days after signing than the programme allows.',
  },
  registration_status_mismatch: {
    severity: 'warn',
    source: 'transform',
    meaning: 'The registration status of a referral differs from that of its registration.',
  },
  short_contract: {
    severity: 'info',
    source: 'transform',
    meaning:
      'A finite contract is shorter than 30 days, so its annualized value is not a forecast.',
  },
  solution_value_above_contract_value: {
    severity: 'warn',
    source: 'transform',
    meaning: 'The lines of a registration add up to more than its contract value.',
  },
  status_substatus_not_allowed: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A substatus is not documented for its status.',
  },
  status_transition_not_allowed: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A referral moved between two statuses that may not follow one another.',
  },
  time_without_zone: {
    severity: 'info',
    source: 'transform',
    meaning: 'A time has no zone and is read as UTC, or a day has no time and is read as that day.',
  },
  unknown_country: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A country is neither a code of ISO 3166 nor a known name; it is loaded as it is.',
  },
  unknown_enum_value: {
    severity: 'warn',
    source: 'load',
    meaning: 'The API sends a value that is not documented; it is loaded as it is.',
  },
  unknown_solution_category: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A solution of type Category is not one of the documented ones.',
  },
  unknown_solution_type: {
    severity: 'warn',
    source: 'transform',
    meaning: 'The type of a solution or an offer is not 1P, 3P or SA.',
  },
  unmapped_property: {
    severity: 'info',
    source: 'transform',
    meaning: 'The API sends a property that has no column.',
  },
  unreadable_value: {
    severity: 'warn',
    source: 'transform',
    meaning:
      'A value is not what its property holds, such as text for an amount; it is loaded as null.',
  },
  value_rounded: {
    severity: 'info',
    source: 'transform',
    meaning: 'An amount has more than four decimals and was rounded.',
  },
  version_not_readable: {
    severity: 'warn',
    source: 'transform',
    meaning: 'An earlier version of a referral could not be read; its history lacks it.',
  },
  won_too_soon: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A referral was won within fewer hours of its creation than the limit.',
  },
  zero_value: {
    severity: 'warn',
    source: 'transform',
    meaning: 'An amount is zero.',
  },
} as const satisfies Record<
  string,
  { severity: 'info' | 'warn'; source: 'transform' | 'load' | 'mart'; meaning: string }
>

export type FindingRule = keyof typeof findingRules
