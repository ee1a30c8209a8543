import { sql } from 'kysely'
import { CosellError } from '../errors.ts'
import { readReference } from '../load/runs/reference.ts'
import { toContext } from '../pipeline/transform-and-publish.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import { type ReadLimits, readSnapshot } from '../warehouse/reader/read-snapshot.ts'
import type { Database } from '../warehouse/tables.generated.ts'
import { received } from './calculation/amounts.ts'
import { explainConversion, type RateDay, type Rates } from './calculation/conversion.ts'
import { contractDay, explainRegistration } from './calculation/registration.ts'
import { compareMarts } from './compare-marts.ts'
import { compareStar } from './compare-star.ts'
import type {
  Comparison,
  DealExplained,
  Explanation,
  FindingShown,
  VersionShown,
} from './explanation.ts'
import type { FoundReferral } from './find-referral.ts'
import { type Landed, readLandedReferral, shownVersions } from './landed.ts'
import { findingEntry } from './list-findings.ts'
import { readPeople } from './people.ts'
import { readRates } from './rates.ts'
import { type Recomputed, recompute } from './recompute.ts'
import { requireRights } from './rights.ts'
import { valueSources } from './value-sources.ts'

/**
 * Explains how the amounts of a referral came about: recomputes them from what was landed with the code
 * of the transform, in one read-only snapshot, and says where the warehouse differs. `query` needs the
 * rights of a load; `found` says which referral its asker may see.
 *
 * @throws CosellError `explain.no_rights` when the login may not read what was landed,
 * `explain.not_landed` when nothing readable is.
 */
export function explainReferral(
  query: Kysely<Database>,
  found: FoundReferral,
  { withPeople = false, ...limits }: ReadLimits & { readonly withPeople?: boolean } = {},
): Promise<Explanation> {
  return readSnapshot(query, limits, async (snapshot) => {
    await requireRights(snapshot, withPeople)
    const reference = await readReference(snapshot)
    const context = toContext(reference)
    const people = withPeople ? await readPeople(snapshot, found) : undefined
    const findings = await readFindings(snapshot, found)
    const hasPolicies = reference.settings.eligibilityTemplate !== null
    const landed = await readLandedReferral(snapshot, found, hasPolicies)
    const recomputed = recompute(landed.referral, context)
    if (recomputed === undefined) throw nothingLanded(found)
    const rates = await readRates(snapshot, daysToConvert(recomputed))
    const deal = explainDeal(recomputed, rates)
    const registrations = recomputed.registrations.map((registration) =>
      explainRegistration(registration, recomputed.rows, context, rates),
    )
    const star = await compareStar(snapshot, found, recomputed.rows)
    const marts = await compareMarts(snapshot, found, deal, registrations)
    return {
      account: found.account,
      referral_id: found.referral_id,
      referral_key: found.referral_key,
      status: statusOf(recomputed),
      reporting_currency: rates.reportingCurrency,
      notes: notesOf(landed, recomputed),
      versions: landed.entries.map((entry) => versionShown(entry, recomputed)),
      values: valueSources(recomputed.present, shownVersions(landed), recomputed.numbers),
      deal,
      registrations,
      findings,
      comparison: together(star, marts),
      ...(people === undefined ? {} : { people }),
    }
  })
}

function explainDeal({ rows }: Recomputed, rates: Rates): DealExplained {
  const row = factOf(rows)
  const amount = row.deal_value_amount
  const column = 'dw.fact_referral.deal_value_amount'
  const converted = {
    column: 'mart.referral.deal_value_reporting_amount',
    label: 'Deal value',
    amount,
  }
  return {
    currency_code: row.currency_code,
    value: received({ column, label: 'Deal value', amount }, 'details.dealValue'),
    conversion: explainConversion(dealDay(rows, rates.today), [converted], rates),
  }
}

function dealDay(rows: Recomputed['rows'], today: string): RateDay {
  const { currency_code: currency, closed_date, expected_close_date } = factOf(rows)
  if (closed_date !== null) return { currency, day: closed_date, name: 'the day of closing' }
  if (expected_close_date !== null) {
    return { currency, day: expected_close_date, name: 'the expected day of closing' }
  }
  return { currency, day: today, name: 'today, as no day of closing is known or expected' }
}

/** Currencies and days whose rates the explanation needs. */
function daysToConvert({ rows, registrations }: Recomputed) {
  return (today: string): RateDay[] => [
    dealDay(rows, today),
    ...registrations.flatMap((registration) => [
      contractDay(registration),
      ...registration.lines.map(({ currency }) => contractDay(registration, currency)),
    ]),
  ]
}

function factOf(rows: Recomputed['rows']) {
  const [row] = rows['stg.fact_referral']
  if (row === undefined) throw new Error('the transform gave no row of the referral')
  return row
}

function statusOf({ rows }: Recomputed): string {
  const { referral_status: status, referral_substatus: substatus } = factOf(rows)
  return substatus === '' ? status : `${status} / ${substatus}`
}

async function readFindings(
  query: Kysely<Database>,
  { partner_account_key, referral_id }: FoundReferral,
): Promise<FindingShown[]> {
  const { rows } = await sql<Omit<FindingShown, 'meaning' | 'remedy'>>`
    select rule_code, severity, item_ref, detail, observed_value
    from mart.data_quality
    where partner_account_key = ${partner_account_key} and referral_id = ${referral_id}
    order by rule_code, item_ref collate "C"`.execute(query)
  return rows.map((row) => {
    const { meaning = '', remedy = '', isFreeText } = findingEntry(row.rule_code) ?? {}
    const observed_value = isFreeText ? null : row.observed_value
    return { ...row, observed_value, meaning, remedy }
  })
}

function versionShown(
  { resource_type, isPublished, ...version }: Landed['entries'][number],
  { newest, quarantined }: Recomputed,
): VersionShown {
  const isOf = (no: number) => resource_type === newest.resource_type && version.version_no === no
  return { ...version, role: roleOf() }

  function roleOf(): string {
    if (!isPublished) return 'not published yet'
    if (resource_type !== 'referral' && resource_type !== 'csv_row') return 'sighting'
    if (quarantined.some(isOf)) return 'in quarantine'
    return isOf(newest.version_no) ? 'newest' : 'earlier'
  }
}

function notesOf({ entries }: Landed, { quarantined, newest }: Recomputed): string[] {
  const unpublished = entries.filter(({ isPublished }) => !isPublished)
  const has = (type: Landed['entries'][number]['resource_type']) =>
    entries.some(({ resource_type, isPublished }) => resource_type === type && isPublished)
  return [
    ...(quarantined.length === 0
      ? []
      : [
          `The newest version is in quarantine and cannot be read, so version ${newest.version_no} counts. ` +
            '`cosell quarantine show` says why.',
        ]),
    ...(unpublished.length === 0
      ? []
      : [
          `Versions that are landed and not published yet: ${unpublished.length}. They do not count before ` +
            'the next run.',
        ]),
    ...(has('csv_row') && has('referral')
      ? ['Rows of imported files are merged into what the API shows.']
      : []),
  ]
}

function together(star: Comparison, marts: Comparison): Comparison {
  return {
    rows: star.rows + marts.rows,
    values: star.values + marts.values,
    differences: [...star.differences, ...marts.differences],
  }
}

function nothingLanded({ referral_id, account }: FoundReferral): CosellError {
  const text =
    `explain: expected a landed version of ${referral_id} of account ${account} that can be read, got none. ` +
    '`cosell quarantine show` says why one cannot be read.'
  return new CosellError('explain.not_landed', text)
}
