/** One data-quality rule. */
export interface FindingEntry {
  readonly severity: 'info' | 'warn'
  /** Step that raises it. */
  readonly source: 'transform' | 'load' | 'mart'
  /** For the reader of `mart.data_quality`. */
  readonly meaning: string
  /** What a person can do about it. */
  readonly remedy: string
  /** The observed value is what people typed, so it is shown to nobody but readers of the mart. */
  readonly isFreeText?: true
}

/** Every data-quality rule. docs/reference/findings.md is generated from this table. */
export const findingRules = {
  acv_below_minimum: {
    severity: 'info',
    source: 'load',
    meaning:
      "A contract's annual value is below the programme's minimum, in US dollars at the rate of its day.",
    remedy: 'Check value and term of the contract; below the minimum it earns no incentive.',
  },
  cell_not_loaded: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A cell of an imported file cannot be read; the referral is loaded without it.',
    remedy: 'Correct the cell, or download the file anew, and import it again.',
  },
  contract_end_before_start: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A contract ends before it starts.',
    remedy:
      'Correct start or end of the contract in Partner Center; until then it has no annual value.',
  },
  contract_sign_date_in_future: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A contract is signed on a day after it was read.',
    remedy: 'Correct the day of signing in Partner Center.',
  },
  contract_signed_before_creation: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A contract was signed before its referral was created.',
    remedy: 'Check the day of signing; a deal of before the referral may not qualify.',
  },
  contract_start_too_early: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A contract starts more days before its registration than the programme allows.',
    remedy: 'Check the start of the contract; the programme may refuse the registration.',
  },
  created_day_estimated: {
    severity: 'info',
    source: 'transform',
    meaning:
      'No imported file shows the day of creation; it is the earliest day that the files show, or 2000-01-01.',
    remedy: 'Import a file that has the day of creation, or read the API.',
  },
  duplicate_policy: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A registration line names the same incentive policy more than once.',
    remedy: 'Nothing is counted twice; report it to Microsoft where a payment depends on it.',
  },
  enum_case_variant: {
    severity: 'info',
    source: 'transform',
    meaning:
      'A value is spelled in another case than documented; the documented spelling is loaded.',
    remedy: 'Nothing; reports by this value are right.',
  },
  expired_but_open: {
    severity: 'warn',
    source: 'mart',
    meaning: 'A referral is still open though its day of expiry is past, as of the day of reading.',
    remedy: 'Close the referral in Partner Center, and take up the next ones before they expire.',
  },
  implausible_date: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A date lies outside 2000 to 2099 or is not a day of the calendar.',
    remedy: 'Correct the date in Partner Center; until then the referral is loaded without it.',
  },
  marketplace_date_missing: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A line was bought in the marketplace, and its purchase date is missing.',
    remedy: 'Enter the date of the purchase in the registration.',
  },
  missing_fx_rate: {
    severity: 'warn',
    source: 'load',
    meaning:
      'An amount has no exchange rate for its currency and day, so its converted columns are null.',
    remedy: 'Load a rate of this currency for the day: `cosell fx`.',
  },
  mixed_currency: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A registration line has another currency than its contract.',
    remedy:
      'Correct the currency of the line, or of the contract; until then lines share the contract in equal parts.',
  },
  more_than_one_registration: {
    severity: 'info',
    source: 'transform',
    meaning: 'A referral has more than one registration.',
    remedy: 'Check that no deal is registered twice; each registration has its own annual value.',
  },
  negative_duration: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A milestone lies more than a day before the one that it must follow.',
    remedy: 'Check the dates of the referral in Partner Center.',
  },
  negative_value: {
    severity: 'warn',
    source: 'transform',
    meaning: 'An amount is below zero.',
    remedy: 'Check the amount; below zero it lowers every sum.',
  },
  not_deployed_on_azure: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A registered solution is not deployed on Azure.',
    remedy: 'Correct the line if the solution runs on Azure; else it is not eligible.',
  },
  object_instead_of_list: {
    severity: 'info',
    source: 'transform',
    meaning: 'The API sends one object where it usually sends a list; it is read as a list of one.',
    remedy: 'Nothing; the value is loaded as it should be.',
  },
  perpetual_with_end_date: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A perpetual contract has an end date, which is ignored.',
    remedy: 'Set the term to Finite if the contract does end; its annual value depends on it.',
  },
  principal_sees_fewer: {
    severity: 'warn',
    source: 'load',
    meaning:
      'The signed-in user sees fewer referrals than the account has, so changes of the others are not read.',
    remedy: 'Let a Referrals admin of the entire company sign in: `cosell login`.',
  },
  registered_too_late: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A deal was registered more days after signing than the programme allows.',
    remedy: 'Register the next deals sooner; this one may be refused.',
  },
  registration_status_mismatch: {
    severity: 'warn',
    source: 'transform',
    meaning: 'The registration status of a referral differs from that of its registration.',
    remedy: 'Wait for the next night; ask Microsoft when it stays.',
  },
  short_contract: {
    severity: 'info',
    source: 'transform',
    meaning:
      'A finite contract is shorter than 30 days, so its annualized value is not a forecast.',
    remedy: 'Use the annual value of the contract, not the annualized one.',
  },
  solution_value_above_contract_value: {
    severity: 'warn',
    source: 'transform',
    meaning: 'The lines of a registration add up to more than its contract value.',
    remedy: 'Correct the values of the lines, or that of the contract.',
  },
  status_substatus_not_allowed: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A substatus is not documented for its status.',
    remedy: 'Nothing; report it when figures by substatus look wrong.',
  },
  status_transition_not_allowed: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A referral moved between two statuses that may not follow one another.',
    remedy: 'Nothing; the history has it as the source does.',
  },
  time_without_zone: {
    severity: 'info',
    source: 'transform',
    meaning: 'A time has no zone and is read as UTC, or a day has no time and is read as that day.',
    remedy: 'Nothing, unless days are off by one.',
  },
  unknown_country: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A country is neither a code of ISO 3166 nor a known name; it is loaded as it is.',
    remedy: 'Correct the country of the customer in Partner Center.',
    isFreeText: true,
  },
  unknown_enum_value: {
    severity: 'warn',
    source: 'load',
    meaning: 'The API sends a value that is not documented; it is loaded as it is.',
    remedy: 'Look whether figures by this value are as you expect; a newer cosell may know it.',
  },
  unknown_solution_category: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A solution of type Category is not one of the documented ones.',
    remedy: 'Nothing; it is reported under its own name.',
    isFreeText: true,
  },
  unknown_solution_type: {
    severity: 'warn',
    source: 'transform',
    meaning: 'The type of a solution or an offer is not 1P, 3P or SA.',
    remedy: 'Nothing; it is reported as it came.',
    isFreeText: true,
  },
  unmapped_property: {
    severity: 'info',
    source: 'transform',
    meaning: 'The API sends a property that has no column.',
    remedy:
      'Nothing is lost: it is kept in the landing zone. A newer cosell may have a column for it.',
  },
  unreadable_value: {
    severity: 'warn',
    source: 'transform',
    meaning:
      'A value is not what its property holds, such as text for an amount; it is loaded as null.',
    remedy: 'Correct the value in Partner Center.',
  },
  value_rounded: {
    severity: 'info',
    source: 'transform',
    meaning: 'An amount has more than four decimals and was rounded.',
    remedy: 'Nothing, unless the amount was meant to be another one.',
  },
  version_not_readable: {
    severity: 'warn',
    source: 'transform',
    meaning: 'An earlier version of a referral could not be read; its history lacks it.',
    remedy: 'Look at the version: `cosell quarantine list`.',
  },
  won_too_soon: {
    severity: 'warn',
    source: 'transform',
    meaning: 'A referral was won within fewer hours of its creation than the limit.',
    remedy: 'Check the day of creation; the programme may not pay for it.',
  },
  zero_value: {
    severity: 'warn',
    source: 'transform',
    meaning: 'An amount is zero.',
    remedy: 'Enter the amount in Partner Center; until then the referral counts, and adds nothing.',
  },
} as const satisfies Record<string, FindingEntry>

export type FindingRule = keyof typeof findingRules
