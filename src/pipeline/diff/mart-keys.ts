const ofReferral = ['partner_account_key', 'referral_key']
const ofRegistration = [...ofReferral, 'registration_no']
const ofLine = [...ofRegistration, 'line_no']

/**
 * Columns that tell the rows of each compared mart apart; null where rows are compared whole, without
 * pairs. Left out are `load_status`, which every run changes, `bi_access` and `documented_value`, which
 * no load writes, and `pipeline_as_of`: its days times referrals show the states of
 * `pipeline_month_end` and `referral_change`.
 */
export const martKeys: Readonly<Record<string, readonly string[] | null>> = {
  acv_by_fiscal_quarter: null,
  acv_candidate: null,
  acv_convention: ['partner_account_key', 'convention_name'],
  acv_line: ofLine,
  acv_reconciliation: null,
  acv_schedule: [...ofLine, 'contract_year_no'],
  asked_and_sold: null,
  co_sell: null,
  customer: ['partner_account_key', 'customer_match_id'],
  data_quality: ['partner_account_key', 'referral_id', 'rule_code', 'item_ref'],
  deal: ['partner_account_key', 'deal_id'],
  deal_seller: ['partner_account_key', 'deal_id', 'seller_key'],
  expiring_referral: ofReferral,
  funnel: null,
  incentive_acv: [...ofLine, 'incentive'],
  marketplace_share: null,
  pipeline_month_end: [...ofReferral, 'snapshot_date'],
  pipeline_movement: null,
  referral: ofReferral,
  referral_change: null,
  referral_industry: [...ofReferral, 'industry'],
  referral_product: [...ofReferral, 'product'],
  referral_service: [...ofReferral, 'service'],
  referral_slippage: ofReferral,
  referral_target: [...ofReferral, 'target_type', 'target_id'],
  registration: ofRegistration,
  registration_eligibility: [...ofReferral, 'policy_name'],
  registration_review: [...ofRegistration, 'visit_no'],
  requested_solution: null,
  seller_pipeline: null,
  status_transition: [...ofReferral, 'version_no'],
  win_rate: null,
}

/** Columns that every run changes, whatever it loads. */
export const ofRuns = new Set(['first_seen_at', 'last_seen_at'])

/**
 * Marts that take four times as long without nested loops. Others are planned without: before their
 * tables were analyzed, `deal_seller` took 8 s of 300 referrals with them, and 0.1 s without.
 */
export const plannedWithLoops = new Set(['pipeline_movement'])
