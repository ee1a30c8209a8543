/**
 * Row types, columns and keys of every table, derived from the migrated catalog.
 * Written by `npm run schema`; change a migration instead of this file.
 *
 * Numbers that a double cannot hold (money, hashes), days (`2026-03-31`) and instants (UTC, up to
 * six fraction digits, `Z`) are strings.
 */
import type { Generated } from 'kysely'

/**
 * One version of one resource as received, without people and free text. Rows are added, changed
 * only to erase people, and deleted only by a purge. A version is new when its content differs from
 * the one before.
 */
export interface RawPayload {
  partner_account_key: number
  resource_type: string
  resource_id: string
  version_no: number
  observed_at: string
  payload_hash: string
  source_updated_at: string | null
  source_updated_text: string | null
  source_ref: string
  run_id: number
  payload: unknown
  source_digest: string | null
}

/** One person in one role on one referral. */
export interface PiiContact {
  partner_account_key: number
  referral_key: number
  contact_role: string
  contact_no: number
  first_name: string | null
  last_name: string | null
  phone_number: string | null
  email: string | null
  title: string | null
  extra: unknown
  contact_hash: string | null
  locale: string | null
  disable_notifications: boolean | null
  is_erased: Generated<boolean>
  erased_at: string | null
  row_hash: string
  created_run_id: number
  updated_run_id: number
}

/**
 * One person who joined or left the people of a referral, in one role, from one landed version to
 * the next.
 */
export interface PiiContactChange {
  partner_account_key: number
  referral_key: number
  change_no: number
  contact_role: string
  is_joining: boolean
  changed_at: string
  observed_at: string
  first_name: string | null
  last_name: string | null
  email: string | null
  phone_number: string | null
  title: string | null
  contact_hash: string | null
  row_hash: string
  created_run_id: number
  updated_run_id: number
}

/**
 * One person or referral whose people were erased, known by hash alone, so that a later load leaves
 * them out. A file in COSELL_HOME has the same rows, for the restore of an older copy.
 */
export interface PiiErasure {
  contact_hash: string
  requested_at: string
  requested_by: string
  reason: string | null
  last_applied_at: string | null
}

/** What was cut out of one version in raw.payload, under the same key. */
export interface PiiPayload {
  partner_account_key: number
  resource_type: string
  resource_id: string
  version_no: number
  people: unknown
}

/** One referral: its free text, which may name people. */
export interface PiiReferralText {
  partner_account_key: number
  referral_key: number
  details_notes: string | null
  invite_notes: string | null
  row_hash: string
  created_run_id: number
  updated_run_id: number
}

/** One secret of this installation. */
export interface PiiSecret {
  secret_name: string
  secret_value: string
}

/**
 * One partner account that cosell account has stored, with its settings; in force where neither an
 * accounts file nor a setting of an account is given. Secrets are not in it, only where they are.
 * Whoever may write it decides which programs the loads start.
 */
export interface EtlAccount {
  account_code: string
  api_url: string | null
  authority_url: string | null
  api_scope: string | null
  tenant_id: string | null
  organization_id: string | null
  client_id: string | null
  client_secret_from: string | null
  refresh_token_from: string | null
  access_token_from: string | null
  is_enabled: Generated<boolean>
  created_at: Generated<string>
  changed_at: Generated<string>
}

/**
 * One partner account with the source that its referrals were read from: no two accounts may have
 * the same one.
 */
export interface EtlAccountSource {
  partner_account_key: number
  api_url: string
  tenant_id: string | null
  organization_id: string | null
  recorded_at: string
}

/** One thing that the API of one account was found to accept, to refuse or to do. */
export interface EtlApiCapability {
  partner_account_key: number
  capability: string
  observed_value: string
  observed_at: string
}

/**
 * One partner account that one database role, or one person in a BI tool, may read. Roles matter
 * only where row-level security is on.
 */
export interface EtlBiAccess {
  role_name: string
  partner_account_key: number
}

/**
 * One value of one enumeration, under its parent where it has one. Seeded from the documentation;
 * values that only the data knows are added.
 */
export interface EtlEnumValue {
  enum_name: string
  parent_value: Generated<string>
  enum_value: string
  canonical_value: string
  description: string | null
  sort_order: number
  is_documented: boolean
  first_seen_run_id: number | null
  valid_from_date: string | null
  min_employees: number | null
  max_employees: number | null
}

/**
 * One span of source time read by one run; the progress that a resumed run continues from. It goes
 * with its run.
 */
export interface EtlExtractWindow {
  run_id: number
  window_no: number
  filter_from: string
  filter_to: string
  resume_at: string | null
  page_count: number
  referral_count: number
  window_status: string
  updated_at: string
}

/**
 * One exchange rate as it was published: base_units of the base currency were worth currency_units
 * of the other one. dw.fx_rate follows from these rows by crossing and by filling gaps.
 */
export interface EtlFxQuote {
  rate_source: string
  base_currency_code: string
  currency_code: string
  observed_date: string
  base_units: string
  currency_units: string
  days_carried_max: number | null
}

/**
 * One partner account that a process writes to or has written to: at most one holder at a time.
 */
export interface EtlLease {
  partner_account_key: number
  holder: string
  epoch: number
  acquired_at: string
  heartbeat_at: string
  expires_at: string
}

/** One right to a view that had to be dropped, until the view is created again. */
export interface EtlMartGrant {
  view_name: string
  column_name: string
  grantee: string
  privilege: string
  is_grantable: boolean
}

/** One view of mart as it was last created from its file. */
export interface EtlMartView {
  view_name: string
  definition_digest: string
  created_at: Generated<string>
}

/**
 * One referral that one user was once shown. Only a user who was shown it can find it missing; a
 * user whose rows are deleted starts anew.
 */
export interface EtlPrincipalReferral {
  partner_account_key: number
  principal: string
  referral_id: string
}

/**
 * One version of one resource that could not be transformed or loaded. The last good rows of the
 * referral stay in dw.
 */
export interface EtlQuarantine {
  partner_account_key: number
  resource_type: string
  resource_id: string
  version_no: number
  reason_code: string
  item_path: string
  detail: string
  first_run_id: number
  last_run_id: number
  attempts: number
  resolved_run_id: number | null
}

/**
 * One run of one partner account: what it read, what it did and whether readers see it. Every
 * stored row names the run that wrote it; a purge deletes old runs that none names.
 */
export interface EtlRun {
  run_id: Generated<number>
  partner_account_key: number
  run_mode: string
  run_status: string
  filter_from: string | null
  filter_to: string | null
  watermark_to: string | null
  is_complete: Generated<boolean>
  started_at: string
  extracted_at: string | null
  published_at: string | null
  finished_at: string | null
  page_count: Generated<number>
  request_count: Generated<number>
  throttled_count: Generated<number>
  referral_seen_count: Generated<number>
  referral_changed_count: Generated<number>
  referral_quarantined_count: Generated<number>
  referral_missing_count: Generated<number>
  app_version: string
  transform_version: number
  error_message: string | null
  watermark_text: string | null
  principal: string | null
  listed_total: number | null
  known_total: number | null
}

/**
 * One table in one run: how many rows were staged and how many of them really changed something.
 */
export interface EtlRunTable {
  run_id: number
  table_name: string
  staged_count: number
  inserted_count: number
  updated_count: number
  deleted_count: number
}

/** One setting of the warehouse that rules, checks and views read. */
export interface EtlSetting {
  setting_name: string
  setting_value: string
}

/**
 * One stored sign-in of an account, where COSELL_TOKEN_KEY is set; without it, sign-ins are files
 * of COSELL_HOME.
 */
export interface EtlSignIn {
  account_name: string
  token: string
  signed_in_at: string | null
  renewed_at: string
}

/** Rows for dw.bridge_line_incentive in the batch that is being published. */
export interface StgBridgeLineIncentive {
  partner_account_key: number
  registration_no: number
  line_no: number
  weight: string
  row_hash: string
  referral_no: number
  tag_group: string
  tag_type: string
  tag_id: string
}

/** Rows for dw.bridge_referral_seller in the batch that is being published. */
export interface StgBridgeReferralSeller {
  partner_account_key: number
  weight: string
  seller_count: number
  row_hash: string
  referral_no: number
  seller_hash: string
}

/** Rows for dw.bridge_referral_tag in the batch that is being published. */
export interface StgBridgeReferralTag {
  partner_account_key: number
  weight: string
  tag_count: number
  row_hash: string
  referral_no: number
  tag_group: string
  tag_type: string
  tag_id: string
}

/** Rows for pii.contact in the batch that is being published. */
export interface StgContact {
  partner_account_key: number
  contact_role: string
  contact_no: number
  first_name: string | null
  last_name: string | null
  phone_number: string | null
  email: string | null
  title: string | null
  extra: unknown
  contact_hash: string | null
  locale: string | null
  disable_notifications: boolean | null
  row_hash: string
  referral_no: number
  is_erased: boolean
  erased_at: string | null
}

/** Rows for pii.contact_change in the batch that is being published. */
export interface StgContactChange {
  partner_account_key: number
  change_no: number
  contact_role: string
  is_joining: boolean
  changed_at: string
  observed_at: string
  first_name: string | null
  last_name: string | null
  email: string | null
  phone_number: string | null
  title: string | null
  contact_hash: string | null
  row_hash: string
  referral_no: number
}

/** Rows for dw.dim_customer in the batch that is being published. */
export interface StgDimCustomer {
  partner_account_key: number
  profile_hash: string
  customer_match_id: string
  customer_name: string
  customer_size: string
  customer_size_min_employees: number | null
  address_line1: string | null
  address_line2: string | null
  city: string | null
  state: string | null
  postal_code: string | null
  country_code: string | null
  region: string | null
  moodys_id: string | null
  external_customer_id: string | null
  duns_number: string | null
  referral_no: number
  customer_size_max_employees: number | null
}

/** Rows for dw.dim_referral in the batch that is being published. */
export interface StgDimReferral {
  partner_account_key: number
  referral_id: string
  engagement_id: string | null
  referral_name: string | null
  external_reference_id: string | null
  mpn_id: string | null
  etag: string | null
  referral_status: string
  referral_substatus: string
  status_reason: string | null
  referral_type: string
  qualification: string
  referral_source: string
  call_to_action: string
  registration_status: string
  customer_marketplace_intent: string
  solution_area: string
  solution_play: string
  partner_role: string
  referral_category: string
  deal_type: string
  consent_to_share_info_with_others: boolean | null
  consent_to_contact: boolean | null
  consent_to_share_with_microsoft_sellers: boolean | null
  consent_to_microsoft_contact_specific_partners: boolean | null
  invited_by_organization_id: string | null
  invited_by_organization_name: string | null
  has_iot_requirements: boolean
  iot_license_agreement_number: string | null
  iot_device_category: string | null
  iot_silicon_type: string | null
  iot_is_azure_certified_device: boolean | null
  iot_has_attached_services: boolean | null
  customer_contact_count: number
  team_member_count: number
  direction: string | null
  organization_id: string | null
  organization_name: string | null
  sales_stage: string | null
  microsoft_msx_id: string | null
  is_missing: boolean
  missing_since: string | null
  source_updated_at: string
  row_hash: string
  referral_no: number
  campaign_id: string | null
  referral_program: string | null
  quality: string | null
  is_spam: boolean | null
  assistance_request_code: string | null
  has_microsoft_member: boolean
}

/** Rows for dw.dim_seller in the batch that is being published. */
export interface StgDimSeller {
  partner_account_key: number
  seller_hash: string
  seller_kind: string
  email_domain: string | null
  referral_no: number
}

/** Rows for dw.dim_solution in the batch that is being published. */
export interface StgDimSolution {
  partner_account_key: number
  item_kind: string
  solution_id: string
  solution_name: string
  match_type: string
  solution_type: string
  publisher_name: string
  source_updated_at: string
  row_hash: string
  referral_no: number
}

/** Rows for dw.dim_tag in the batch that is being published. */
export interface StgDimTag {
  partner_account_key: number
  tag_group: string
  tag_type: string
  tag_id: string
  referral_no: number
}

/** Rows for etl.dq_finding in the batch that is being published. */
export interface StgDqFinding {
  partner_account_key: number
  referral_id: string
  rule_code: string
  item_ref: string
  severity: string
  detail: string | null
  observed_value: string | null
  referral_no: number
}

/** Rows for etl.enum_value in the batch that is being published. */
export interface StgEnumValue {
  enum_name: string
  parent_value: string
  enum_value: string
  partner_account_key: number
  referral_no: number
}

/** Rows for dw.fact_acv_schedule in the batch that is being published. */
export interface StgFactAcvSchedule {
  partner_account_key: number
  registration_no: number
  line_no: number
  contract_year_no: number
  currency_code: string
  contract_currency_code: string
  period_start_date: string | null
  period_end_date: string | null
  period_months: string | null
  scheduled_solution_amount: string | null
  scheduled_contract_amount: string | null
  is_incentive_eligible: boolean
  is_marketplace_transacted: boolean | null
  row_hash: string
  referral_no: number
  item_kind: string
  solution_id: string
}

/** Rows on their way to dw.fact_microsoft_acv; the referral by its number in the batch. */
export interface StgFactMicrosoftAcv {
  partner_account_key: number
  reading_no: number
  registration_no: number | null
  registration_id: string | null
  as_of_date: string | null
  is_latest: boolean
  contract_term: string
  is_perpetual: boolean
  contract_sign_date: string | null
  contract_start_date: string | null
  contract_end_date: string | null
  approved_date: string | null
  passed_date: string | null
  failed_date: string | null
  currency_code: string
  contract_value_amount: string | null
  contract_value_usd_amount: string | null
  microsoft_acv_amount: string | null
  solution_currency_code: string
  solution_value_amount: string | null
  solution_value_usd_amount: string | null
  deal_value_usd_amount: string | null
  row_hash: string
  referral_no: number
}

/** Rows for dw.fact_referral in the batch that is being published. */
export interface StgFactReferral {
  partner_account_key: number
  currency_code: string
  created_date: string
  updated_date: string
  accepted_date: string | null
  expected_close_date: string | null
  expiration_date: string | null
  closed_date: string | null
  registered_date: string | null
  registration_approved_date: string | null
  created_at: string
  updated_at: string
  accepted_at: string | null
  expected_close_at: string | null
  expiration_at: string | null
  closed_at: string | null
  closed_at_basis: string | null
  deal_value_amount: string | null
  days_to_accept: number | null
  days_to_close: number | null
  days_to_registration: number | null
  requested_solution_count: number
  requested_offer_count: number
  registration_count: number
  row_hash: string
  referral_no: number
  profile_hash: string
  referral_status: string
  referral_substatus: string
  registration_first_approved_date: string | null
}

/** Rows for dw.fact_referral_history in the batch that is being published. */
export interface StgFactReferralHistory {
  partner_account_key: number
  version_no: number
  valid_from: string
  valid_to: string | null
  valid_from_date: string
  valid_to_date: string | null
  is_current: boolean
  is_estimated: boolean
  is_missing: boolean
  is_status_change: boolean
  is_valid_transition: boolean | null
  registration_status: string
  qualification: string
  currency_code: string
  deal_value_amount: string | null
  expected_close_date: string | null
  expiration_date: string | null
  registered_acv_amount: string | null
  registered_acv_currency_code: string
  days_in_version: number | null
  source_updated_at: string
  observed_at: string
  tracked_hash: string
  row_hash: string
  referral_no: number
  profile_hash: string
  referral_status: string
  referral_substatus: string
  previous_referral_status: string | null
  previous_referral_substatus: string | null
}

/** Rows for dw.fact_referral_solution in the batch that is being published. */
export interface StgFactReferralSolution {
  partner_account_key: number
  line_no: number
  price_text: string | null
  price_amount: string | null
  currency_code: string
  quantity: string | null
  line_amount: string | null
  weight: string
  allocated_deal_value_amount: string | null
  row_hash: string
  referral_no: number
  item_kind: string
  solution_id: string
}

/** Rows for dw.fact_registration in the batch that is being published. */
export interface StgFactRegistration {
  partner_account_key: number
  registration_no: number
  registration_id: string | null
  registration_type: string
  registration_status: string
  is_terminal: boolean
  status_reason: string | null
  contract_term: string
  is_perpetual: boolean
  currency_code: string
  contract_sign_date: string | null
  contract_start_date: string | null
  contract_end_date: string | null
  contract_end_exclusive_date: string | null
  term_months: string | null
  acv_status: string
  contract_value_amount: string | null
  contract_acv_amount: string | null
  contract_annualized_amount: string | null
  solution_value_amount: string | null
  nonrecurring_amount: string | null
  line_count: number
  registered_at: string | null
  review_pending_at: string | null
  action_required_at: string | null
  approved_at: string | null
  passed_at: string | null
  failed_at: string | null
  registered_date: string | null
  review_pending_date: string | null
  action_required_date: string | null
  approved_date: string | null
  decided_date: string | null
  approval_lead_days: string | null
  decision_lead_days: string | null
  sign_to_registration_days: number | null
  row_hash: string
  referral_no: number
  first_approved_at: string | null
  first_approved_date: string | null
  first_approval_lead_days: string | null
}

/** Rows for dw.fact_registration_eligibility in the batch that is being published. */
export interface StgFactRegistrationEligibility {
  partner_account_key: number
  policy_name: string
  is_eligible: boolean | null
  referral_properties: string
  additional_properties: string
  evaluated_at: string
  evaluated_date: string
  row_hash: string
  referral_no: number
}

/** Rows for dw.fact_registration_review in the batch that is being published. */
export interface StgFactRegistrationReview {
  partner_account_key: number
  registration_no: number
  visit_no: number
  review_stage: string
  entered_at: string
  left_at: string | null
  entered_date: string
  left_date: string | null
  entered_at_basis: string
  is_current: boolean
  stage_days: string | null
  sent_back_count: number
  row_hash: string
  referral_no: number
}

/** Rows for dw.fact_registration_solution in the batch that is being published. */
export interface StgFactRegistrationSolution {
  partner_account_key: number
  registration_no: number
  line_no: number
  currency_code: string
  contract_currency_code: string
  contract_sign_date: string | null
  contract_start_date: string | null
  registered_date: string | null
  price_text: string | null
  price_amount: string | null
  quantity: string | null
  solution_value_amount: string | null
  solution_acv_amount: string | null
  solution_annualized_amount: string | null
  allocated_contract_value_amount: string | null
  allocated_contract_acv_amount: string | null
  is_deployed_on_azure: boolean | null
  primary_deployment_on: string
  pricing_model: string
  is_pay_as_you_go: boolean
  is_marketplace_transacted: boolean | null
  marketplace_transaction_date: string | null
  incentive_count: number
  is_incentive_eligible: boolean
  incentives: string
  row_hash: string
  referral_no: number
  item_kind: string
  solution_id: string
}

/** Rows for dw.fact_solution_change in the batch that is being published. */
export interface StgFactSolutionChange {
  partner_account_key: number
  change_no: number
  list_name: string
  changed_at: string
  observed_at: string
  before_solutions: string
  after_solutions: string
  row_hash: string
  referral_no: number
}

/** One resource that the current full read of an account returned; what is not here is missing. */
export interface StgListedReferral {
  partner_account_key: number
  run_id: number
  resource_id: string
  window_no: number
  page_no: number
  row_no: number
}

/** Rows for etl.quarantine in the batch that is being published. */
export interface StgQuarantine {
  partner_account_key: number
  resource_type: string
  resource_id: string
  version_no: number
  reason_code: string
  item_path: string
  detail: string
  referral_no: number
}

/**
 * One referral of the batch with the keys that publishing gave it; the other tables of the referral
 * find theirs here.
 */
export interface StgReferralKey {
  partner_account_key: number
  referral_no: number
  referral_id: string
  referral_key: number | null
  customer_key: number | null
}

/** Rows for pii.referral_text in the batch that is being published. */
export interface StgReferralText {
  partner_account_key: number
  details_notes: string | null
  invite_notes: string | null
  row_hash: string
  referral_no: number
}

/** One incentive of one registration line. */
export interface DwBridgeLineIncentive {
  partner_account_key: number
  referral_key: number
  registration_no: number
  line_no: number
  tag_key: number
  weight: string
  row_hash: string
  created_run_id: number
  updated_run_id: number
  registration_key: Generated<number>
  registration_line_key: Generated<number>
}

/** One person of the team of a referral, in its latest version. */
export interface DwBridgeReferralSeller {
  partner_account_key: number
  referral_key: number
  seller_key: number
  weight: string
  seller_count: number
  row_hash: string
  created_run_id: number
  updated_run_id: number
}

/**
 * One tag of a referral. With weights a report by tag adds up to the total; without them it shows
 * how much each tag touches.
 */
export interface DwBridgeReferralTag {
  partner_account_key: number
  referral_key: number
  tag_key: number
  weight: string
  tag_count: number
  row_hash: string
  created_run_id: number
  updated_run_id: number
}

/** One currency code. */
export interface DwDimCurrency {
  currency_code: string
  currency_name: string
  minor_unit: Generated<number>
  is_documented: boolean
  euro_changeover_date: string | null
  units_per_euro: string | null
  euro_regulation: string | null
  ecb_last_quoted_date: string | null
}

/**
 * One distinct customer profile of one account; the source has no customer id, so a changed profile
 * is another row and rows never change.
 */
export interface DwDimCustomer {
  customer_key: Generated<number>
  partner_account_key: number
  profile_hash: string
  customer_match_id: string
  customer_name: string
  customer_size: string
  customer_size_min_employees: number | null
  address_line1: string | null
  address_line2: string | null
  city: string | null
  state: string | null
  postal_code: string | null
  country_code: string | null
  region: string | null
  moodys_id: string | null
  external_customer_id: string | null
  duns_number: string | null
  created_run_id: number
  customer_size_max_employees: number | null
}

/**
 * One calendar day from 2000-01-01 to 2099-12-31, with the fiscal year that starts in the month of
 * etl.setting fiscal_year_start_month. Another month changes the fiscal columns of all days at
 * once.
 */
export interface DwDimDate {
  date_day: string
  date_key: number
  day_name: string
  day_of_week: number
  is_weekend: boolean
  iso_year: number
  iso_week: number
  month_start_date: string
  month_end_date: string
  month_number: number
  month_name: string
  year_month: string
  calendar_quarter: number
  calendar_year: number
  fiscal_year: number
  fiscal_year_label: string
  fiscal_quarter: number
  fiscal_quarter_label: string
  fiscal_month: number
  fiscal_quarter_start_date: string
  fiscal_quarter_end_date: string
  fiscal_year_start_date: string
  fiscal_year_end_date: string
  is_month_end: boolean
  is_fiscal_quarter_end: boolean
  is_fiscal_year_end: boolean
}

/**
 * One deal of one account: the referrals of its parties side by side, and the primary one, whose
 * stage and value are those of the deal. It is the won one, else an open one, else the lost one,
 * else any other; of several one with a value, then the partner's own before Microsoft's before
 * another partner's, then the one created first, then the least id. An open referral that is
 * missing comes last.
 */
export interface DwDimEngagement {
  engagement_key: Generated<number>
  partner_account_key: number
  deal_id: string
  engagement_id: string | null
  primary_referral_key: number
  own_referral_key: number | null
  microsoft_referral_key: number | null
  partner_referral_key: number | null
  referral_count: number
  created_run_id: number
  updated_run_id: number
}

/**
 * One partner account that is extracted: one credential in one tenant. It may hold several Partner
 * IDs.
 */
export interface DwDimPartnerAccount {
  partner_account_key: number
  account_code: string
  account_name: string
  tenant_id: string | null
  default_mpn_id: string | null
  is_active: Generated<boolean>
  created_at: string
}

/** One referral of one partner account, as it is now. */
export interface DwDimReferral {
  referral_key: Generated<number>
  partner_account_key: number
  referral_id: string
  engagement_id: string | null
  referral_name: string | null
  external_reference_id: string | null
  mpn_id: string | null
  etag: string | null
  referral_status: string
  referral_substatus: string
  status_reason: string | null
  referral_type: string
  qualification: string
  referral_source: string
  call_to_action: string
  registration_status: string
  customer_marketplace_intent: string
  solution_area: string
  solution_play: string
  partner_role: string
  referral_category: string
  deal_type: string
  consent_to_share_info_with_others: boolean | null
  consent_to_contact: boolean | null
  consent_to_share_with_microsoft_sellers: boolean | null
  consent_to_microsoft_contact_specific_partners: boolean | null
  invited_by_organization_id: string | null
  invited_by_organization_name: string | null
  has_iot_requirements: boolean
  iot_license_agreement_number: string | null
  iot_device_category: string | null
  iot_silicon_type: string | null
  iot_is_azure_certified_device: boolean | null
  iot_has_attached_services: boolean | null
  customer_contact_count: number
  team_member_count: number
  direction: string | null
  organization_id: string | null
  organization_name: string | null
  sales_stage: string | null
  microsoft_msx_id: string | null
  is_missing: Generated<boolean>
  missing_since: string | null
  source_updated_at: string
  row_hash: string
  created_run_id: number
  updated_run_id: number
  campaign_id: string | null
  referral_program: string | null
  quality: string | null
  is_spam: boolean | null
  assistance_request_code: string | null
  has_microsoft_member: Generated<boolean>
}

/**
 * One person of the team of a referral, as a number without a name. Who it is, pii.seller says to
 * those who may read people.
 */
export interface DwDimSeller {
  seller_key: Generated<number>
  partner_account_key: number
  seller_hash: string
  seller_kind: string
  email_domain: string | null
  created_run_id: number
}

/** One solution or offer, with the names that the latest referral gives it. */
export interface DwDimSolution {
  solution_key: Generated<number>
  partner_account_key: number
  item_kind: string
  solution_id: string
  solution_name: string
  match_type: string
  solution_type: string
  publisher_name: string
  source_updated_at: string
  row_hash: string
  created_run_id: number
  updated_run_id: number
}

/** One pair of status and substatus. */
export interface DwDimStatus {
  status_key: Generated<number>
  referral_status: string
  referral_substatus: string
  stage_label: string
  stage_sort: number
  is_open: boolean
  is_closed: boolean
  is_won: boolean
  is_lost: boolean
  is_decided: boolean
  is_documented: boolean
  is_allowed_combination: boolean | null
}

/** One value of one kind of tag. */
export interface DwDimTag {
  tag_key: Generated<number>
  partner_account_key: number
  tag_group: string
  tag_type: string
  tag_id: string
  is_documented: boolean
  created_run_id: number
}

/**
 * One documented value of one enumeration, under its parent where it has one: the rows of
 * etl.enum_value that do not come from the data of an account.
 */
export interface DwDocumentedEnumValue {
  enum_name: string
  parent_value: Generated<string>
  enum_value: string
  canonical_value: string
  description: string | null
  sort_order: number
  valid_from_date: string | null
  min_employees: number | null
  max_employees: number | null
}

/**
 * One contract year of one registration line: what falls into it. The years of a line add up
 * exactly to its values.
 */
export interface DwFactAcvSchedule {
  partner_account_key: number
  referral_key: number
  registration_no: number
  line_no: number
  contract_year_no: number
  customer_key: number
  solution_key: number
  currency_code: string
  contract_currency_code: string
  period_start_date: string | null
  period_end_date: string | null
  period_months: string | null
  scheduled_solution_amount: string | null
  scheduled_contract_amount: string | null
  is_incentive_eligible: boolean
  is_marketplace_transacted: boolean | null
  row_hash: string
  created_run_id: number
  updated_run_id: number
  registration_key: Generated<number>
  registration_line_key: Generated<number>
}

/**
 * One deal over a span of days with the same primary referral, by what is known of each day: adds
 * up a pipeline of the past with each deal once.
 */
export interface DwFactEngagementHistory {
  partner_account_key: number
  engagement_key: number
  primary_referral_key: number
  valid_from_date: string
  valid_to_date: string | null
  created_run_id: number
  updated_run_id: number
}

/**
 * One open finding of one rule about one item of a referral. Belongs to the referral and is
 * replaced with it.
 */
export interface DwFactFinding {
  partner_account_key: number
  referral_id: string
  rule_code: string
  item_ref: string
  severity: string
  detail: string | null
  observed_value: string | null
  first_seen_run_id: number
  last_seen_run_id: number
}

/**
 * One reading of what an Insights co-sell download has about one referral: Microsoft's annual
 * contract value, its US dollars, and the contract that they are of. Equal readings of the same day
 * are one row. Empty where no such file was imported.
 */
export interface DwFactMicrosoftAcv {
  partner_account_key: number
  referral_key: number
  reading_no: number
  registration_no: number | null
  registration_id: string | null
  as_of_date: string | null
  is_latest: boolean
  contract_term: string
  is_perpetual: boolean
  contract_sign_date: string | null
  contract_start_date: string | null
  contract_end_date: string | null
  approved_date: string | null
  passed_date: string | null
  failed_date: string | null
  currency_code: string
  contract_value_amount: string | null
  contract_value_usd_amount: string | null
  microsoft_acv_amount: string | null
  solution_currency_code: string
  solution_value_amount: string | null
  solution_value_usd_amount: string | null
  deal_value_usd_amount: string | null
  row_hash: string
  created_run_id: number
  updated_run_id: number
  registration_key: Generated<number | null>
}

/**
 * One referral: where it stands, its milestones and its value; the row moves as the referral does.
 */
export interface DwFactReferral {
  partner_account_key: number
  referral_key: number
  customer_key: number
  status_key: number
  currency_code: string
  created_date: string
  updated_date: string
  accepted_date: string | null
  expected_close_date: string | null
  expiration_date: string | null
  closed_date: string | null
  registered_date: string | null
  registration_approved_date: string | null
  created_at: string
  updated_at: string
  accepted_at: string | null
  expected_close_at: string | null
  expiration_at: string | null
  closed_at: string | null
  closed_at_basis: string | null
  deal_value_amount: string | null
  days_to_accept: number | null
  days_to_close: number | null
  days_to_registration: number | null
  requested_solution_count: number
  requested_offer_count: number
  registration_count: number
  row_hash: string
  created_run_id: number
  updated_run_id: number
  registration_first_approved_date: string | null
}

/**
 * One referral in one version, valid from one instant to the next; answers what the pipeline was on
 * any day. A version opens when a tracked column changes: status, registration status,
 * qualification, customer, value, currency, dates, registered ACV, missing.
 */
export interface DwFactReferralHistory {
  partner_account_key: number
  referral_key: number
  version_no: number
  valid_from: string
  valid_to: string | null
  valid_from_date: string
  valid_to_date: string | null
  is_current: boolean
  is_estimated: boolean
  is_missing: boolean
  customer_key: number
  status_key: number
  previous_status_key: number | null
  is_status_change: boolean
  is_valid_transition: boolean | null
  registration_status: string
  qualification: string
  currency_code: string
  deal_value_amount: string | null
  expected_close_date: string | null
  expiration_date: string | null
  registered_acv_amount: string | null
  registered_acv_currency_code: string
  days_in_version: number | null
  source_updated_at: string
  observed_at: string
  tracked_hash: string
  row_hash: string
  created_run_id: number
  updated_run_id: number
}

/** One solution or offer that a referral asks for. */
export interface DwFactReferralSolution {
  partner_account_key: number
  referral_key: number
  line_no: number
  solution_key: number
  price_text: string | null
  price_amount: string | null
  currency_code: string
  quantity: string | null
  line_amount: string | null
  weight: string
  allocated_deal_value_amount: string | null
  row_hash: string
  created_run_id: number
  updated_run_id: number
}

/**
 * One deal registration of a referral: its contract, its values and its way through review; the row
 * moves as the registration does.
 */
export interface DwFactRegistration {
  partner_account_key: number
  referral_key: number
  registration_no: number
  registration_id: string | null
  customer_key: number
  registration_type: string
  registration_status: string
  is_terminal: boolean
  status_reason: string | null
  contract_term: string
  is_perpetual: boolean
  currency_code: string
  contract_sign_date: string | null
  contract_start_date: string | null
  contract_end_date: string | null
  contract_end_exclusive_date: string | null
  term_months: string | null
  acv_status: string
  contract_value_amount: string | null
  contract_acv_amount: string | null
  contract_annualized_amount: string | null
  solution_value_amount: string | null
  nonrecurring_amount: string | null
  line_count: number
  registered_at: string | null
  review_pending_at: string | null
  action_required_at: string | null
  approved_at: string | null
  passed_at: string | null
  failed_at: string | null
  registered_date: string | null
  review_pending_date: string | null
  action_required_date: string | null
  approved_date: string | null
  decided_date: string | null
  approval_lead_days: string | null
  decision_lead_days: string | null
  sign_to_registration_days: number | null
  row_hash: string
  created_run_id: number
  updated_run_id: number
  first_approved_at: string | null
  first_approved_date: string | null
  first_approval_lead_days: string | null
  registration_key: Generated<number>
}

/**
 * One policy that decides whether a referral may be registered, as last evaluated. Empty until the
 * API offers policies where etl.setting eligibility_source says: Microsoft documents the entity and
 * no place of it.
 */
export interface DwFactRegistrationEligibility {
  partner_account_key: number
  referral_key: number
  policy_name: string
  is_eligible: boolean | null
  referral_properties: string
  additional_properties: string
  evaluated_at: string
  evaluated_date: string
  row_hash: string
  created_run_id: number
  updated_run_id: number
}

/**
 * One visit of one deal registration to one stage of its review, from its instant to that of the
 * next stage. Dated by all landed versions together: the source keeps the last instant of a stage
 * alone.
 */
export interface DwFactRegistrationReview {
  partner_account_key: number
  referral_key: number
  registration_no: number
  visit_no: number
  review_stage: string
  entered_at: string
  left_at: string | null
  entered_date: string
  left_date: string | null
  entered_at_basis: string
  is_current: boolean
  stage_days: string | null
  sent_back_count: number
  row_hash: string
  created_run_id: number
  updated_run_id: number
  registration_key: Generated<number>
}

/**
 * One solution line of a deal registration; a registration without lines has one placeholder, so
 * that its contract shows in reports by line.
 */
export interface DwFactRegistrationSolution {
  partner_account_key: number
  referral_key: number
  registration_no: number
  line_no: number
  customer_key: number
  solution_key: number
  currency_code: string
  contract_currency_code: string
  contract_sign_date: string | null
  contract_start_date: string | null
  registered_date: string | null
  price_text: string | null
  price_amount: string | null
  quantity: string | null
  solution_value_amount: string | null
  solution_acv_amount: string | null
  solution_annualized_amount: string | null
  allocated_contract_value_amount: string | null
  allocated_contract_acv_amount: string | null
  is_deployed_on_azure: boolean | null
  primary_deployment_on: string
  pricing_model: string
  is_pay_as_you_go: boolean
  is_marketplace_transacted: boolean | null
  marketplace_transaction_date: string | null
  incentive_count: number
  is_incentive_eligible: boolean
  incentives: string
  row_hash: string
  created_run_id: number
  updated_run_id: number
  registration_key: Generated<number>
  registration_line_key: Generated<number>
}

/**
 * One run of one partner account, as readers may see it: written in the transactions that write
 * etl.run, and deleted with it.
 */
export interface DwFactRun {
  partner_account_key: number
  run_id: number
  run_mode: string
  run_status: string
  started_at: string
  published_at: string | null
  watermark_to: string | null
  quarantined_entry_count: number | null
}

/**
 * One change of the solutions of a referral, those that it asks for or those that its registrations
 * sold, from one landed version to the next. Solutions are compared by id, and by name where there
 * is none: another name of the same id is no change. A referral that was seen in one version has
 * none.
 */
export interface DwFactSolutionChange {
  partner_account_key: number
  referral_key: number
  change_no: number
  list_name: string
  changed_at: string
  observed_at: string
  before_solutions: string
  after_solutions: string
  row_hash: string
  created_run_id: number
  updated_run_id: number
}

/**
 * One currency on one calendar day; days without a rate of their own carry the last one, for a
 * week, or as long as etl.fx_quote says.
 */
export interface DwFxRate {
  currency_code: string
  rate_date: string
  rate_to_reporting: string
  observed_date: string
  rate_source: string
  reporting_units: string
  currency_units: string
}

export interface Database {
  'raw.payload': RawPayload
  'pii.contact': PiiContact
  'pii.contact_change': PiiContactChange
  'pii.erasure': PiiErasure
  'pii.payload': PiiPayload
  'pii.referral_text': PiiReferralText
  'pii.secret': PiiSecret
  'etl.account': EtlAccount
  'etl.account_source': EtlAccountSource
  'etl.api_capability': EtlApiCapability
  'etl.bi_access': EtlBiAccess
  'etl.enum_value': EtlEnumValue
  'etl.extract_window': EtlExtractWindow
  'etl.fx_quote': EtlFxQuote
  'etl.lease': EtlLease
  'etl.mart_grant': EtlMartGrant
  'etl.mart_view': EtlMartView
  'etl.principal_referral': EtlPrincipalReferral
  'etl.quarantine': EtlQuarantine
  'etl.run': EtlRun
  'etl.run_table': EtlRunTable
  'etl.setting': EtlSetting
  'etl.sign_in': EtlSignIn
  'stg.bridge_line_incentive': StgBridgeLineIncentive
  'stg.bridge_referral_seller': StgBridgeReferralSeller
  'stg.bridge_referral_tag': StgBridgeReferralTag
  'stg.contact': StgContact
  'stg.contact_change': StgContactChange
  'stg.dim_customer': StgDimCustomer
  'stg.dim_referral': StgDimReferral
  'stg.dim_seller': StgDimSeller
  'stg.dim_solution': StgDimSolution
  'stg.dim_tag': StgDimTag
  'stg.dq_finding': StgDqFinding
  'stg.enum_value': StgEnumValue
  'stg.fact_acv_schedule': StgFactAcvSchedule
  'stg.fact_microsoft_acv': StgFactMicrosoftAcv
  'stg.fact_referral': StgFactReferral
  'stg.fact_referral_history': StgFactReferralHistory
  'stg.fact_referral_solution': StgFactReferralSolution
  'stg.fact_registration': StgFactRegistration
  'stg.fact_registration_eligibility': StgFactRegistrationEligibility
  'stg.fact_registration_review': StgFactRegistrationReview
  'stg.fact_registration_solution': StgFactRegistrationSolution
  'stg.fact_solution_change': StgFactSolutionChange
  'stg.listed_referral': StgListedReferral
  'stg.quarantine': StgQuarantine
  'stg.referral_key': StgReferralKey
  'stg.referral_text': StgReferralText
  'dw.bridge_line_incentive': DwBridgeLineIncentive
  'dw.bridge_referral_seller': DwBridgeReferralSeller
  'dw.bridge_referral_tag': DwBridgeReferralTag
  'dw.dim_currency': DwDimCurrency
  'dw.dim_customer': DwDimCustomer
  'dw.dim_date': DwDimDate
  'dw.dim_engagement': DwDimEngagement
  'dw.dim_partner_account': DwDimPartnerAccount
  'dw.dim_referral': DwDimReferral
  'dw.dim_seller': DwDimSeller
  'dw.dim_solution': DwDimSolution
  'dw.dim_status': DwDimStatus
  'dw.dim_tag': DwDimTag
  'dw.documented_enum_value': DwDocumentedEnumValue
  'dw.fact_acv_schedule': DwFactAcvSchedule
  'dw.fact_engagement_history': DwFactEngagementHistory
  'dw.fact_finding': DwFactFinding
  'dw.fact_microsoft_acv': DwFactMicrosoftAcv
  'dw.fact_referral': DwFactReferral
  'dw.fact_referral_history': DwFactReferralHistory
  'dw.fact_referral_solution': DwFactReferralSolution
  'dw.fact_registration': DwFactRegistration
  'dw.fact_registration_eligibility': DwFactRegistrationEligibility
  'dw.fact_registration_review': DwFactRegistrationReview
  'dw.fact_registration_solution': DwFactRegistrationSolution
  'dw.fact_run': DwFactRun
  'dw.fact_solution_change': DwFactSolutionChange
  'dw.fx_rate': DwFxRate
}

export const tables = {
  'raw.payload': {
    columns: [
      'partner_account_key', 'resource_type', 'resource_id', 'version_no', 'observed_at',
      'payload_hash', 'source_updated_at', 'source_updated_text', 'source_ref', 'run_id', 'payload',
      'source_digest',
    ],
    key: ['partner_account_key', 'resource_type', 'resource_id', 'version_no'],
  },
  'pii.contact': {
    columns: [
      'partner_account_key', 'referral_key', 'contact_role', 'contact_no', 'first_name',
      'last_name', 'phone_number', 'email', 'title', 'extra', 'contact_hash', 'locale',
      'disable_notifications', 'is_erased', 'erased_at', 'row_hash', 'created_run_id',
      'updated_run_id',
    ],
    key: ['referral_key', 'partner_account_key', 'contact_role', 'contact_no'],
  },
  'pii.contact_change': {
    columns: [
      'partner_account_key', 'referral_key', 'change_no', 'contact_role', 'is_joining',
      'changed_at', 'observed_at', 'first_name', 'last_name', 'email', 'phone_number', 'title',
      'contact_hash', 'row_hash', 'created_run_id', 'updated_run_id',
    ],
    key: ['referral_key', 'partner_account_key', 'change_no'],
  },
  'pii.erasure': {
    columns: ['contact_hash', 'requested_at', 'requested_by', 'reason', 'last_applied_at'],
    key: ['contact_hash'],
  },
  'pii.payload': {
    columns: ['partner_account_key', 'resource_type', 'resource_id', 'version_no', 'people'],
    key: ['partner_account_key', 'resource_type', 'resource_id', 'version_no'],
  },
  'pii.referral_text': {
    columns: [
      'partner_account_key', 'referral_key', 'details_notes', 'invite_notes', 'row_hash',
      'created_run_id', 'updated_run_id',
    ],
    key: ['referral_key', 'partner_account_key'],
  },
  'pii.secret': {
    columns: ['secret_name', 'secret_value'],
    key: ['secret_name'],
  },
  'etl.account': {
    columns: [
      'account_code', 'api_url', 'authority_url', 'api_scope', 'tenant_id', 'organization_id',
      'client_id', 'client_secret_from', 'refresh_token_from', 'access_token_from', 'is_enabled',
      'created_at', 'changed_at',
    ],
    key: ['account_code'],
  },
  'etl.account_source': {
    columns: ['partner_account_key', 'api_url', 'tenant_id', 'organization_id', 'recorded_at'],
    key: ['partner_account_key'],
  },
  'etl.api_capability': {
    columns: ['partner_account_key', 'capability', 'observed_value', 'observed_at'],
    key: ['partner_account_key', 'capability'],
  },
  'etl.bi_access': {
    columns: ['role_name', 'partner_account_key'],
    key: ['role_name', 'partner_account_key'],
  },
  'etl.enum_value': {
    columns: [
      'enum_name', 'parent_value', 'enum_value', 'canonical_value', 'description', 'sort_order',
      'is_documented', 'first_seen_run_id', 'valid_from_date', 'min_employees', 'max_employees',
    ],
    key: ['enum_name', 'parent_value', 'enum_value'],
  },
  'etl.extract_window': {
    columns: [
      'run_id', 'window_no', 'filter_from', 'filter_to', 'resume_at', 'page_count',
      'referral_count', 'window_status', 'updated_at',
    ],
    key: ['run_id', 'window_no'],
  },
  'etl.fx_quote': {
    columns: [
      'rate_source', 'base_currency_code', 'currency_code', 'observed_date', 'base_units',
      'currency_units', 'days_carried_max',
    ],
    key: ['rate_source', 'base_currency_code', 'observed_date', 'currency_code'],
  },
  'etl.lease': {
    columns: [
      'partner_account_key', 'holder', 'epoch', 'acquired_at', 'heartbeat_at', 'expires_at',
    ],
    key: ['partner_account_key'],
  },
  'etl.mart_grant': {
    columns: ['view_name', 'column_name', 'grantee', 'privilege', 'is_grantable'],
    key: ['view_name', 'column_name', 'grantee', 'privilege'],
  },
  'etl.mart_view': {
    columns: ['view_name', 'definition_digest', 'created_at'],
    key: ['view_name'],
  },
  'etl.principal_referral': {
    columns: ['partner_account_key', 'principal', 'referral_id'],
    key: ['partner_account_key', 'principal', 'referral_id'],
  },
  'etl.quarantine': {
    columns: [
      'partner_account_key', 'resource_type', 'resource_id', 'version_no', 'reason_code',
      'item_path', 'detail', 'first_run_id', 'last_run_id', 'attempts', 'resolved_run_id',
    ],
    key: ['partner_account_key', 'resource_type', 'resource_id', 'version_no'],
  },
  'etl.run': {
    columns: [
      'run_id', 'partner_account_key', 'run_mode', 'run_status', 'filter_from', 'filter_to',
      'watermark_to', 'is_complete', 'started_at', 'extracted_at', 'published_at', 'finished_at',
      'page_count', 'request_count', 'throttled_count', 'referral_seen_count',
      'referral_changed_count', 'referral_quarantined_count', 'referral_missing_count',
      'app_version', 'transform_version', 'error_message', 'watermark_text', 'principal',
      'listed_total', 'known_total',
    ],
    key: ['run_id'],
  },
  'etl.run_table': {
    columns: [
      'run_id', 'table_name', 'staged_count', 'inserted_count', 'updated_count', 'deleted_count',
    ],
    key: ['run_id', 'table_name'],
  },
  'etl.setting': {
    columns: ['setting_name', 'setting_value'],
    key: ['setting_name'],
  },
  'etl.sign_in': {
    columns: ['account_name', 'token', 'signed_in_at', 'renewed_at'],
    key: ['account_name'],
  },
  'stg.bridge_line_incentive': {
    columns: [
      'partner_account_key', 'registration_no', 'line_no', 'weight', 'row_hash', 'referral_no',
      'tag_group', 'tag_type', 'tag_id',
    ],
    key: [],
  },
  'stg.bridge_referral_seller': {
    columns: [
      'partner_account_key', 'weight', 'seller_count', 'row_hash', 'referral_no', 'seller_hash',
    ],
    key: [],
  },
  'stg.bridge_referral_tag': {
    columns: [
      'partner_account_key', 'weight', 'tag_count', 'row_hash', 'referral_no', 'tag_group',
      'tag_type', 'tag_id',
    ],
    key: [],
  },
  'stg.contact': {
    columns: [
      'partner_account_key', 'contact_role', 'contact_no', 'first_name', 'last_name',
      'phone_number', 'email', 'title', 'extra', 'contact_hash', 'locale', 'disable_notifications',
      'row_hash', 'referral_no', 'is_erased', 'erased_at',
    ],
    key: [],
  },
  'stg.contact_change': {
    columns: [
      'partner_account_key', 'change_no', 'contact_role', 'is_joining', 'changed_at', 'observed_at',
      'first_name', 'last_name', 'email', 'phone_number', 'title', 'contact_hash', 'row_hash',
      'referral_no',
    ],
    key: [],
  },
  'stg.dim_customer': {
    columns: [
      'partner_account_key', 'profile_hash', 'customer_match_id', 'customer_name', 'customer_size',
      'customer_size_min_employees', 'address_line1', 'address_line2', 'city', 'state',
      'postal_code', 'country_code', 'region', 'moodys_id', 'external_customer_id', 'duns_number',
      'referral_no', 'customer_size_max_employees',
    ],
    key: [],
  },
  'stg.dim_referral': {
    columns: [
      'partner_account_key', 'referral_id', 'engagement_id', 'referral_name',
      'external_reference_id', 'mpn_id', 'etag', 'referral_status', 'referral_substatus',
      'status_reason', 'referral_type', 'qualification', 'referral_source', 'call_to_action',
      'registration_status', 'customer_marketplace_intent', 'solution_area', 'solution_play',
      'partner_role', 'referral_category', 'deal_type', 'consent_to_share_info_with_others',
      'consent_to_contact', 'consent_to_share_with_microsoft_sellers',
      'consent_to_microsoft_contact_specific_partners', 'invited_by_organization_id',
      'invited_by_organization_name', 'has_iot_requirements', 'iot_license_agreement_number',
      'iot_device_category', 'iot_silicon_type', 'iot_is_azure_certified_device',
      'iot_has_attached_services', 'customer_contact_count', 'team_member_count', 'direction',
      'organization_id', 'organization_name', 'sales_stage', 'microsoft_msx_id', 'is_missing',
      'missing_since', 'source_updated_at', 'row_hash', 'referral_no', 'campaign_id',
      'referral_program', 'quality', 'is_spam', 'assistance_request_code', 'has_microsoft_member',
    ],
    key: [],
  },
  'stg.dim_seller': {
    columns: ['partner_account_key', 'seller_hash', 'seller_kind', 'email_domain', 'referral_no'],
    key: [],
  },
  'stg.dim_solution': {
    columns: [
      'partner_account_key', 'item_kind', 'solution_id', 'solution_name', 'match_type',
      'solution_type', 'publisher_name', 'source_updated_at', 'row_hash', 'referral_no',
    ],
    key: [],
  },
  'stg.dim_tag': {
    columns: ['partner_account_key', 'tag_group', 'tag_type', 'tag_id', 'referral_no'],
    key: [],
  },
  'stg.dq_finding': {
    columns: [
      'partner_account_key', 'referral_id', 'rule_code', 'item_ref', 'severity', 'detail',
      'observed_value', 'referral_no',
    ],
    key: [],
  },
  'stg.enum_value': {
    columns: ['enum_name', 'parent_value', 'enum_value', 'partner_account_key', 'referral_no'],
    key: [],
  },
  'stg.fact_acv_schedule': {
    columns: [
      'partner_account_key', 'registration_no', 'line_no', 'contract_year_no', 'currency_code',
      'contract_currency_code', 'period_start_date', 'period_end_date', 'period_months',
      'scheduled_solution_amount', 'scheduled_contract_amount', 'is_incentive_eligible',
      'is_marketplace_transacted', 'row_hash', 'referral_no', 'item_kind', 'solution_id',
    ],
    key: [],
  },
  'stg.fact_microsoft_acv': {
    columns: [
      'partner_account_key', 'reading_no', 'registration_no', 'registration_id', 'as_of_date',
      'is_latest', 'contract_term', 'is_perpetual', 'contract_sign_date', 'contract_start_date',
      'contract_end_date', 'approved_date', 'passed_date', 'failed_date', 'currency_code',
      'contract_value_amount', 'contract_value_usd_amount', 'microsoft_acv_amount',
      'solution_currency_code', 'solution_value_amount', 'solution_value_usd_amount',
      'deal_value_usd_amount', 'row_hash', 'referral_no',
    ],
    key: [],
  },
  'stg.fact_referral': {
    columns: [
      'partner_account_key', 'currency_code', 'created_date', 'updated_date', 'accepted_date',
      'expected_close_date', 'expiration_date', 'closed_date', 'registered_date',
      'registration_approved_date', 'created_at', 'updated_at', 'accepted_at', 'expected_close_at',
      'expiration_at', 'closed_at', 'closed_at_basis', 'deal_value_amount', 'days_to_accept',
      'days_to_close', 'days_to_registration', 'requested_solution_count', 'requested_offer_count',
      'registration_count', 'row_hash', 'referral_no', 'profile_hash', 'referral_status',
      'referral_substatus', 'registration_first_approved_date',
    ],
    key: [],
  },
  'stg.fact_referral_history': {
    columns: [
      'partner_account_key', 'version_no', 'valid_from', 'valid_to', 'valid_from_date',
      'valid_to_date', 'is_current', 'is_estimated', 'is_missing', 'is_status_change',
      'is_valid_transition', 'registration_status', 'qualification', 'currency_code',
      'deal_value_amount', 'expected_close_date', 'expiration_date', 'registered_acv_amount',
      'registered_acv_currency_code', 'days_in_version', 'source_updated_at', 'observed_at',
      'tracked_hash', 'row_hash', 'referral_no', 'profile_hash', 'referral_status',
      'referral_substatus', 'previous_referral_status', 'previous_referral_substatus',
    ],
    key: [],
  },
  'stg.fact_referral_solution': {
    columns: [
      'partner_account_key', 'line_no', 'price_text', 'price_amount', 'currency_code', 'quantity',
      'line_amount', 'weight', 'allocated_deal_value_amount', 'row_hash', 'referral_no',
      'item_kind', 'solution_id',
    ],
    key: [],
  },
  'stg.fact_registration': {
    columns: [
      'partner_account_key', 'registration_no', 'registration_id', 'registration_type',
      'registration_status', 'is_terminal', 'status_reason', 'contract_term', 'is_perpetual',
      'currency_code', 'contract_sign_date', 'contract_start_date', 'contract_end_date',
      'contract_end_exclusive_date', 'term_months', 'acv_status', 'contract_value_amount',
      'contract_acv_amount', 'contract_annualized_amount', 'solution_value_amount',
      'nonrecurring_amount', 'line_count', 'registered_at', 'review_pending_at',
      'action_required_at', 'approved_at', 'passed_at', 'failed_at', 'registered_date',
      'review_pending_date', 'action_required_date', 'approved_date', 'decided_date',
      'approval_lead_days', 'decision_lead_days', 'sign_to_registration_days', 'row_hash',
      'referral_no', 'first_approved_at', 'first_approved_date', 'first_approval_lead_days',
    ],
    key: [],
  },
  'stg.fact_registration_eligibility': {
    columns: [
      'partner_account_key', 'policy_name', 'is_eligible', 'referral_properties',
      'additional_properties', 'evaluated_at', 'evaluated_date', 'row_hash', 'referral_no',
    ],
    key: [],
  },
  'stg.fact_registration_review': {
    columns: [
      'partner_account_key', 'registration_no', 'visit_no', 'review_stage', 'entered_at', 'left_at',
      'entered_date', 'left_date', 'entered_at_basis', 'is_current', 'stage_days',
      'sent_back_count', 'row_hash', 'referral_no',
    ],
    key: [],
  },
  'stg.fact_registration_solution': {
    columns: [
      'partner_account_key', 'registration_no', 'line_no', 'currency_code',
      'contract_currency_code', 'contract_sign_date', 'contract_start_date', 'registered_date',
      'price_text', 'price_amount', 'quantity', 'solution_value_amount', 'solution_acv_amount',
      'solution_annualized_amount', 'allocated_contract_value_amount',
      'allocated_contract_acv_amount', 'is_deployed_on_azure', 'primary_deployment_on',
      'pricing_model', 'is_pay_as_you_go', 'is_marketplace_transacted',
      'marketplace_transaction_date', 'incentive_count', 'is_incentive_eligible', 'incentives',
      'row_hash', 'referral_no', 'item_kind', 'solution_id',
    ],
    key: [],
  },
  'stg.fact_solution_change': {
    columns: [
      'partner_account_key', 'change_no', 'list_name', 'changed_at', 'observed_at',
      'before_solutions', 'after_solutions', 'row_hash', 'referral_no',
    ],
    key: [],
  },
  'stg.listed_referral': {
    columns: ['partner_account_key', 'run_id', 'resource_id', 'window_no', 'page_no', 'row_no'],
    key: ['partner_account_key', 'run_id', 'window_no', 'page_no', 'row_no'],
  },
  'stg.quarantine': {
    columns: [
      'partner_account_key', 'resource_type', 'resource_id', 'version_no', 'reason_code',
      'item_path', 'detail', 'referral_no',
    ],
    key: [],
  },
  'stg.referral_key': {
    columns: ['partner_account_key', 'referral_no', 'referral_id', 'referral_key', 'customer_key'],
    key: [],
  },
  'stg.referral_text': {
    columns: ['partner_account_key', 'details_notes', 'invite_notes', 'row_hash', 'referral_no'],
    key: [],
  },
  'dw.bridge_line_incentive': {
    columns: [
      'partner_account_key', 'referral_key', 'registration_no', 'line_no', 'tag_key', 'weight',
      'row_hash', 'created_run_id', 'updated_run_id', 'registration_key', 'registration_line_key',
    ],
    key: ['referral_key', 'partner_account_key', 'registration_no', 'line_no', 'tag_key'],
  },
  'dw.bridge_referral_seller': {
    columns: [
      'partner_account_key', 'referral_key', 'seller_key', 'weight', 'seller_count', 'row_hash',
      'created_run_id', 'updated_run_id',
    ],
    key: ['referral_key', 'partner_account_key', 'seller_key'],
  },
  'dw.bridge_referral_tag': {
    columns: [
      'partner_account_key', 'referral_key', 'tag_key', 'weight', 'tag_count', 'row_hash',
      'created_run_id', 'updated_run_id',
    ],
    key: ['referral_key', 'partner_account_key', 'tag_key'],
  },
  'dw.dim_currency': {
    columns: [
      'currency_code', 'currency_name', 'minor_unit', 'is_documented', 'euro_changeover_date',
      'units_per_euro', 'euro_regulation', 'ecb_last_quoted_date',
    ],
    key: ['currency_code'],
  },
  'dw.dim_customer': {
    columns: [
      'customer_key', 'partner_account_key', 'profile_hash', 'customer_match_id', 'customer_name',
      'customer_size', 'customer_size_min_employees', 'address_line1', 'address_line2', 'city',
      'state', 'postal_code', 'country_code', 'region', 'moodys_id', 'external_customer_id',
      'duns_number', 'created_run_id', 'customer_size_max_employees',
    ],
    key: ['customer_key', 'partner_account_key'],
  },
  'dw.dim_date': {
    columns: [
      'date_day', 'date_key', 'day_name', 'day_of_week', 'is_weekend', 'iso_year', 'iso_week',
      'month_start_date', 'month_end_date', 'month_number', 'month_name', 'year_month',
      'calendar_quarter', 'calendar_year', 'fiscal_year', 'fiscal_year_label', 'fiscal_quarter',
      'fiscal_quarter_label', 'fiscal_month', 'fiscal_quarter_start_date',
      'fiscal_quarter_end_date', 'fiscal_year_start_date', 'fiscal_year_end_date', 'is_month_end',
      'is_fiscal_quarter_end', 'is_fiscal_year_end',
    ],
    key: ['date_day'],
  },
  'dw.dim_engagement': {
    columns: [
      'engagement_key', 'partner_account_key', 'deal_id', 'engagement_id', 'primary_referral_key',
      'own_referral_key', 'microsoft_referral_key', 'partner_referral_key', 'referral_count',
      'created_run_id', 'updated_run_id',
    ],
    key: ['engagement_key', 'partner_account_key'],
  },
  'dw.dim_partner_account': {
    columns: [
      'partner_account_key', 'account_code', 'account_name', 'tenant_id', 'default_mpn_id',
      'is_active', 'created_at',
    ],
    key: ['partner_account_key'],
  },
  'dw.dim_referral': {
    columns: [
      'referral_key', 'partner_account_key', 'referral_id', 'engagement_id', 'referral_name',
      'external_reference_id', 'mpn_id', 'etag', 'referral_status', 'referral_substatus',
      'status_reason', 'referral_type', 'qualification', 'referral_source', 'call_to_action',
      'registration_status', 'customer_marketplace_intent', 'solution_area', 'solution_play',
      'partner_role', 'referral_category', 'deal_type', 'consent_to_share_info_with_others',
      'consent_to_contact', 'consent_to_share_with_microsoft_sellers',
      'consent_to_microsoft_contact_specific_partners', 'invited_by_organization_id',
      'invited_by_organization_name', 'has_iot_requirements', 'iot_license_agreement_number',
      'iot_device_category', 'iot_silicon_type', 'iot_is_azure_certified_device',
      'iot_has_attached_services', 'customer_contact_count', 'team_member_count', 'direction',
      'organization_id', 'organization_name', 'sales_stage', 'microsoft_msx_id', 'is_missing',
      'missing_since', 'source_updated_at', 'row_hash', 'created_run_id', 'updated_run_id',
      'campaign_id', 'referral_program', 'quality', 'is_spam', 'assistance_request_code',
      'has_microsoft_member',
    ],
    key: ['referral_key', 'partner_account_key'],
  },
  'dw.dim_seller': {
    columns: [
      'seller_key', 'partner_account_key', 'seller_hash', 'seller_kind', 'email_domain',
      'created_run_id',
    ],
    key: ['seller_key', 'partner_account_key'],
  },
  'dw.dim_solution': {
    columns: [
      'solution_key', 'partner_account_key', 'item_kind', 'solution_id', 'solution_name',
      'match_type', 'solution_type', 'publisher_name', 'source_updated_at', 'row_hash',
      'created_run_id', 'updated_run_id',
    ],
    key: ['solution_key', 'partner_account_key'],
  },
  'dw.dim_status': {
    columns: [
      'status_key', 'referral_status', 'referral_substatus', 'stage_label', 'stage_sort', 'is_open',
      'is_closed', 'is_won', 'is_lost', 'is_decided', 'is_documented', 'is_allowed_combination',
    ],
    key: ['status_key'],
  },
  'dw.dim_tag': {
    columns: [
      'tag_key', 'partner_account_key', 'tag_group', 'tag_type', 'tag_id', 'is_documented',
      'created_run_id',
    ],
    key: ['tag_key', 'partner_account_key'],
  },
  'dw.documented_enum_value': {
    columns: [
      'enum_name', 'parent_value', 'enum_value', 'canonical_value', 'description', 'sort_order',
      'valid_from_date', 'min_employees', 'max_employees',
    ],
    key: ['enum_name', 'parent_value', 'enum_value'],
  },
  'dw.fact_acv_schedule': {
    columns: [
      'partner_account_key', 'referral_key', 'registration_no', 'line_no', 'contract_year_no',
      'customer_key', 'solution_key', 'currency_code', 'contract_currency_code',
      'period_start_date', 'period_end_date', 'period_months', 'scheduled_solution_amount',
      'scheduled_contract_amount', 'is_incentive_eligible', 'is_marketplace_transacted', 'row_hash',
      'created_run_id', 'updated_run_id', 'registration_key', 'registration_line_key',
    ],
    key: ['referral_key', 'partner_account_key', 'registration_no', 'line_no', 'contract_year_no'],
  },
  'dw.fact_engagement_history': {
    columns: [
      'partner_account_key', 'engagement_key', 'primary_referral_key', 'valid_from_date',
      'valid_to_date', 'created_run_id', 'updated_run_id',
    ],
    key: ['primary_referral_key', 'partner_account_key', 'valid_from_date'],
  },
  'dw.fact_finding': {
    columns: [
      'partner_account_key', 'referral_id', 'rule_code', 'item_ref', 'severity', 'detail',
      'observed_value', 'first_seen_run_id', 'last_seen_run_id',
    ],
    key: ['partner_account_key', 'referral_id', 'rule_code', 'item_ref'],
  },
  'dw.fact_microsoft_acv': {
    columns: [
      'partner_account_key', 'referral_key', 'reading_no', 'registration_no', 'registration_id',
      'as_of_date', 'is_latest', 'contract_term', 'is_perpetual', 'contract_sign_date',
      'contract_start_date', 'contract_end_date', 'approved_date', 'passed_date', 'failed_date',
      'currency_code', 'contract_value_amount', 'contract_value_usd_amount', 'microsoft_acv_amount',
      'solution_currency_code', 'solution_value_amount', 'solution_value_usd_amount',
      'deal_value_usd_amount', 'row_hash', 'created_run_id', 'updated_run_id', 'registration_key',
    ],
    key: ['referral_key', 'partner_account_key', 'reading_no'],
  },
  'dw.fact_referral': {
    columns: [
      'partner_account_key', 'referral_key', 'customer_key', 'status_key', 'currency_code',
      'created_date', 'updated_date', 'accepted_date', 'expected_close_date', 'expiration_date',
      'closed_date', 'registered_date', 'registration_approved_date', 'created_at', 'updated_at',
      'accepted_at', 'expected_close_at', 'expiration_at', 'closed_at', 'closed_at_basis',
      'deal_value_amount', 'days_to_accept', 'days_to_close', 'days_to_registration',
      'requested_solution_count', 'requested_offer_count', 'registration_count', 'row_hash',
      'created_run_id', 'updated_run_id', 'registration_first_approved_date',
    ],
    key: ['referral_key', 'partner_account_key'],
  },
  'dw.fact_referral_history': {
    columns: [
      'partner_account_key', 'referral_key', 'version_no', 'valid_from', 'valid_to',
      'valid_from_date', 'valid_to_date', 'is_current', 'is_estimated', 'is_missing',
      'customer_key', 'status_key', 'previous_status_key', 'is_status_change',
      'is_valid_transition', 'registration_status', 'qualification', 'currency_code',
      'deal_value_amount', 'expected_close_date', 'expiration_date', 'registered_acv_amount',
      'registered_acv_currency_code', 'days_in_version', 'source_updated_at', 'observed_at',
      'tracked_hash', 'row_hash', 'created_run_id', 'updated_run_id',
    ],
    key: ['referral_key', 'partner_account_key', 'version_no'],
  },
  'dw.fact_referral_solution': {
    columns: [
      'partner_account_key', 'referral_key', 'line_no', 'solution_key', 'price_text',
      'price_amount', 'currency_code', 'quantity', 'line_amount', 'weight',
      'allocated_deal_value_amount', 'row_hash', 'created_run_id', 'updated_run_id',
    ],
    key: ['referral_key', 'partner_account_key', 'line_no'],
  },
  'dw.fact_registration': {
    columns: [
      'partner_account_key', 'referral_key', 'registration_no', 'registration_id', 'customer_key',
      'registration_type', 'registration_status', 'is_terminal', 'status_reason', 'contract_term',
      'is_perpetual', 'currency_code', 'contract_sign_date', 'contract_start_date',
      'contract_end_date', 'contract_end_exclusive_date', 'term_months', 'acv_status',
      'contract_value_amount', 'contract_acv_amount', 'contract_annualized_amount',
      'solution_value_amount', 'nonrecurring_amount', 'line_count', 'registered_at',
      'review_pending_at', 'action_required_at', 'approved_at', 'passed_at', 'failed_at',
      'registered_date', 'review_pending_date', 'action_required_date', 'approved_date',
      'decided_date', 'approval_lead_days', 'decision_lead_days', 'sign_to_registration_days',
      'row_hash', 'created_run_id', 'updated_run_id', 'first_approved_at', 'first_approved_date',
      'first_approval_lead_days', 'registration_key',
    ],
    key: ['referral_key', 'partner_account_key', 'registration_no'],
  },
  'dw.fact_registration_eligibility': {
    columns: [
      'partner_account_key', 'referral_key', 'policy_name', 'is_eligible', 'referral_properties',
      'additional_properties', 'evaluated_at', 'evaluated_date', 'row_hash', 'created_run_id',
      'updated_run_id',
    ],
    key: ['referral_key', 'partner_account_key', 'policy_name'],
  },
  'dw.fact_registration_review': {
    columns: [
      'partner_account_key', 'referral_key', 'registration_no', 'visit_no', 'review_stage',
      'entered_at', 'left_at', 'entered_date', 'left_date', 'entered_at_basis', 'is_current',
      'stage_days', 'sent_back_count', 'row_hash', 'created_run_id', 'updated_run_id',
      'registration_key',
    ],
    key: ['referral_key', 'partner_account_key', 'registration_no', 'visit_no'],
  },
  'dw.fact_registration_solution': {
    columns: [
      'partner_account_key', 'referral_key', 'registration_no', 'line_no', 'customer_key',
      'solution_key', 'currency_code', 'contract_currency_code', 'contract_sign_date',
      'contract_start_date', 'registered_date', 'price_text', 'price_amount', 'quantity',
      'solution_value_amount', 'solution_acv_amount', 'solution_annualized_amount',
      'allocated_contract_value_amount', 'allocated_contract_acv_amount', 'is_deployed_on_azure',
      'primary_deployment_on', 'pricing_model', 'is_pay_as_you_go', 'is_marketplace_transacted',
      'marketplace_transaction_date', 'incentive_count', 'is_incentive_eligible', 'incentives',
      'row_hash', 'created_run_id', 'updated_run_id', 'registration_key', 'registration_line_key',
    ],
    key: ['referral_key', 'partner_account_key', 'registration_no', 'line_no'],
  },
  'dw.fact_run': {
    columns: [
      'partner_account_key', 'run_id', 'run_mode', 'run_status', 'started_at', 'published_at',
      'watermark_to', 'quarantined_entry_count',
    ],
    key: ['partner_account_key', 'run_id'],
  },
  'dw.fact_solution_change': {
    columns: [
      'partner_account_key', 'referral_key', 'change_no', 'list_name', 'changed_at', 'observed_at',
      'before_solutions', 'after_solutions', 'row_hash', 'created_run_id', 'updated_run_id',
    ],
    key: ['referral_key', 'partner_account_key', 'change_no'],
  },
  'dw.fx_rate': {
    columns: [
      'currency_code', 'rate_date', 'rate_to_reporting', 'observed_date', 'rate_source',
      'reporting_units', 'currency_units',
    ],
    key: ['currency_code', 'rate_date'],
  },
} as const

export type TableName = keyof typeof tables
