/** Meaning by `reason_code` of `etl.quarantine`: why a version of a referral could not be loaded. */
export const quarantineReasons = {
  id_mismatch: 'The id in the payload is not the one that the referral was landed under.',
  invalid_instant: 'A time is not of the form YYYY-MM-DDThh:mm:ssZ.',
  invalid_number: 'An amount is not a number.',
  missing_property: 'A property that every referral has is missing, such as its id or creation.',
  no_payload: 'The landing zone holds no payload of the version.',
  not_an_object: 'The payload is not a JSON object.',
  number_too_large: 'An amount has more than 15 digits before the point.',
  rejected_by_database: 'PostgreSQL rejected a row of the referral; the detail has the SQLSTATE.',
  text_too_long: 'A text is longer than any that can be stored or indexed.',
  too_deep: 'The payload is nested deeper than any referral.',
  too_many_items: 'A list has more items than any that the portal can build.',
  too_many_keys: 'An object or the whole referral has more properties than the portal can build.',
  unreadable_row: 'A row of a file has no readable id, more cells than the header, or is cut off.',
  wrong_type: 'A property has another JSON type than documented.',
} as const

export type QuarantineReason = keyof typeof quarantineReasons
