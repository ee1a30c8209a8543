import { sql } from 'kysely'
import { ofReferral } from './chosen-columns.ts'
import {
  bookedContracts,
  contractLines,
  contractsInForce,
  contractYears,
  reviewedRegistrations,
} from './contract-sources.ts'
import { all, type Chosen, filterOf } from './filters.ts'
import {
  createdReferrals,
  decidedDeals,
  expiringReferrals,
  unregisteredDeals,
} from './referral-sources.ts'
import { columnsOf, equals, type Source } from './source.ts'

/** Open findings. Those about the warehouse as a whole have no referral, and no filter but the account. */
export function openFindings(chosen: Chosen): Source {
  const { choice } = chosen
  const filters = [choice.area, choice.play, choice.country, choice.deal_type]
  const isOfReferrals = choice.currency !== null || filters.some((values) => values.length > 0)
  const columns = { ...ofReferral(), account: sql`finding.partner_account_key` }
  return {
    title: 'Open findings',
    columns: columnsOf([
      ...([
        'severity',
        'rule_code',
        'referral_name',
        'customer_name',
        'item_ref',
        'detail',
      ] as const),
      ...(['observed_value', 'first_seen_at', 'last_seen_at', 'account', 'referral_id'] as const),
    ]),
    rows: sql`
      select finding.partner_account_key, finding.referral_key, finding.account_code as account,
        finding.severity, finding.rule_code, finding.referral_id, referral.referral_name,
        referral.customer_name, finding.item_ref, finding.detail, finding.observed_value,
        finding.first_seen_at, finding.last_seen_at
      from mart.data_quality finding
      left join mart.referral referral
        on referral.referral_key = finding.referral_key
        and referral.partner_account_key = finding.partner_account_key
      where ${all([
        filterOf({ choice, periods: [] }, columns),
        isOfReferrals ? sql`referral.referral_key is not null` : sql`true`,
      ])}`,
    conditions: { rule: equals('rule_code'), severity: equals('severity') },
    sort: 'first_seen_at',
    isDescending: true,
    ties: ['partner_account_key', 'referral_id', 'rule_code', 'item_ref'],
  }
}

/** Everything that can be listed by its name in a drill, but for the deals of the pipeline. */
export const sources: Readonly<Record<string, (chosen: Chosen) => Source>> = {
  created: createdReferrals,
  decided: decidedDeals,
  unregistered: unregisteredDeals,
  expiring: expiringReferrals,
  booked: bookedContracts,
  in_force: contractsInForce,
  registrations: reviewedRegistrations,
  schedule: contractYears,
  lines: contractLines,
  findings: openFindings,
}
