import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { expect, test } from 'vitest'
import { type Database, type TableName, tables } from '../../../src/warehouse/tables.generated.ts'
import { type ImportTest, withImport, writeFiles } from '../../support/import-files.ts'
import { withPipeline } from '../../support/with-pipeline.ts'

/** Tables with one row a referral, a registration or a line, and what names a row beside the referral. */
const compared = {
  'dw.dim_referral': [],
  'dw.fact_referral': [],
  'dw.fact_registration': ['registration_no'],
  'dw.fact_registration_solution': ['registration_no', 'line_no'],
  'dw.fact_referral_solution': ['item_kind', 'line_no'],
} as const satisfies Partial<Record<TableName, readonly string[]>>

type Rows = Map<string, Record<string, unknown>>

const ofWarehouse = /_key$|_run_id$|^row_hash$/

/** Rows by name; keys of dimensions are replaced by what they stand for. */
async function readRows(db: Kysely<Database>, name: keyof typeof compared): Promise<Rows> {
  const columns: readonly string[] = tables[name].columns
  const referral = columns.includes('referral_id') ? 't.referral_id' : 'r.referral_id'
  const names: readonly string[] = compared[name]
  const parts = [referral, ...names.filter((one) => columns.includes(one)).map((one) => `t.${one}`)]
  const rows = await sql<{ name: string; shown: Record<string, unknown> }>`
    select concat_ws(' ', ${sql.raw(parts.join(', '))}) as name, to_jsonb(t) as shown
    from ${sql.table(name)} t
    join dw.dim_referral r using (referral_key)`.execute(db)
  return new Map(rows.rows.map((row) => [row.name, row.shown]))
}

async function readAll(db: Kysely<Database>) {
  const all = new Map<string, Rows>()
  for (const name of Object.keys(compared) as (keyof typeof compared)[]) {
    all.set(name, await readRows(db, name))
  }
  return all
}

/** Why a column differs, and which do, by table; of leads and of co-sell opportunities alike. */
const cannotCarry = {
  'dw.dim_referral': [
    // No file shows these properties.
    ...['consent_to_contact', 'consent_to_microsoft_contact_specific_partners', 'etag', 'is_spam'],
    ...['invited_by_organization_id', 'invited_by_organization_name', 'organization_id'],
    ...['quality', 'referral_type', 'solution_area', 'solution_play'],
    // They follow from the type, which no file shows.
    ...['deal_type', 'referral_category'],
    // Files show the first contact of a customer, and a code where help is asked for.
    ...['customer_contact_count', 'assistance_request_code'],
    // Rows have days, of the update in a file of leads alone.
    'source_updated_at',
  ],
  'dw.fact_referral': [
    ...['accepted_at', 'accepted_date', 'closed_at', 'closed_at_basis', 'closed_date'],
    ...['created_at', 'expiration_at', 'expiration_date', 'expected_close_at', 'updated_at'],
    // They follow from these.
    ...['days_to_accept', 'days_to_close'],
  ],
  'dw.fact_registration': [
    // Rows have days.
    ...['approved_at', 'failed_at', 'first_approved_at', 'passed_at', 'registered_at'],
    ...['review_pending_at', 'approval_lead_days', 'decision_lead_days'],
    'first_approval_lead_days',
    // Files show the first line of a registration.
    ...['line_count', 'nonrecurring_amount', 'solution_value_amount'],
  ],
  'dw.fact_registration_solution': [
    ...['allocated_contract_acv_amount', 'allocated_contract_value_amount', 'incentive_count'],
    ...['incentives', 'is_incentive_eligible', 'price_amount', 'price_text', 'quantity'],
  ],
  // `1,250.00` is no number to the API; the file has 1250.
  'dw.fact_referral_solution': ['line_amount', 'price_amount', 'price_text'],
}

/** What else each of the two kinds of files cannot carry. */
const beside = {
  'co-sell': {
    'dw.dim_referral': ['qualification'],
    'dw.fact_referral': ['days_to_registration', 'requested_offer_count', 'updated_date'],
  },
  lead: {
    'dw.dim_referral': [
      ...['consent_to_share_info_with_others', 'consent_to_share_with_microsoft_sellers'],
      ...['customer_marketplace_intent', 'direction', 'engagement_id', 'external_reference_id'],
      ...['iot_has_attached_services', 'iot_is_azure_certified_device', 'organization_name'],
      ...['partner_role', 'referral_name', 'referral_substatus', 'sales_stage'],
      // A word that nobody documents comes with its blank.
      ...['referral_source', 'team_member_count'],
    ],
    'dw.fact_referral': ['expected_close_date', 'requested_solution_count'],
  },
}

function isCarried(kind: keyof typeof beside, table: string, column: string): boolean {
  const of: Readonly<Record<string, readonly string[]>> = cannotCarry
  const more: Readonly<Record<string, readonly string[]>> = beside[kind]
  return !of[table]?.includes(column) && !more[table]?.includes(column)
}

test('files give the star of the API, but for the columns that no file of their kind can carry', () =>
  withPipeline({ referrals: 60, seed: 3 }, async ({ sandbox, db, run }) => {
    await run()
    const ofApi = await readAll(db)
    await withImport(async (test) => {
      const files = await writeFiles(path.join(test.home, 'downloads'), sandbox.referrals())
      await test.load(files)
      const ofFiles = await readAll(test.db)
      const leads = await leadsOf(test)
      const differing = new Set<string>()
      const carried = new Set<string>()
      for (const [table, rows] of ofApi) {
        for (const [name, row] of rows) {
          const other = ofFiles.get(table)?.get(name)
          const kind = leads.has(name.slice(0, idLength)) ? 'lead' : 'co-sell'
          if (other === undefined) expect(table).toMatch(/_solution$/)
          for (const [column, value] of Object.entries(row)) {
            if (other === undefined || ofWarehouse.test(column)) continue
            const isSame = JSON.stringify(other[column]) === JSON.stringify(value)
            if (!isSame) differing.add(`${kind} ${table}.${column}`)
            if (isCarried(kind, table, column)) carried.add(`${kind} ${table}.${column}`)
          }
        }
      }
      expect([...differing].filter((column) => carried.has(column))).toEqual([])
      // What is named above does differ.
      for (const [table, columns] of Object.entries(cannotCarry)) {
        for (const column of columns) {
          const isSeen = ['co-sell', 'lead'].some((kind) =>
            differing.has(`${kind} ${table}.${column}`),
          )
          expect(isSeen, `${table}.${column}`).toBe(true)
        }
      }
      expect(carried.size).toBeGreaterThan(100)
      const page = await readFile('docs/concepts/what-the-files-cannot-tell.md', 'utf8')
      const named = Object.values(cannotCarry).flat()
      expect(named.filter((column) => !page.includes(`\`${column}\``))).toEqual([])
    })
  }))

const idLength = 36

async function leadsOf({ db }: ImportTest): Promise<Set<string>> {
  const leads = await sql<{ id: string }>`
    select resource_id as id from raw.payload
    where payload ->> 'layout' = 'insights_leads'`.execute(db)
  return new Set(leads.rows.map(({ id }) => id))
}
