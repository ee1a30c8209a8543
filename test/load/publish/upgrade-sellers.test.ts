import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Kysely, sql } from 'kysely'
import { expect, test } from 'vitest'
import { migrate } from '../../../src/warehouse/migrate/migrate.ts'
import type { Database } from '../../../src/warehouse/tables.generated.ts'
import { withEmptyDatabase } from '../../support/database.ts'

const shipped = fileURLToPath(new URL('../../../sql/migrations/', import.meta.url))

/** Migrates as a version did that had no sellers. */
async function migrateBefore(db: Kysely<Database>, first: string) {
  const folder = await mkdtemp(path.join(tmpdir(), 'cosell-migrations-'))
  try {
    for (const name of await readdir(shipped)) {
      if (name.slice(0, 4) < first) await cp(path.join(shipped, name), path.join(folder, name))
    }
    await migrate(db, { folder })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Referrals with a team of one address each; the last one is staged, as a crash leaves it. */
async function fill(db: Kysely<Database>, emails: readonly string[]) {
  await sql`
    insert into dw.dim_partner_account (partner_account_key, account_code, account_name, created_at)
    values (1, 'north', 'North', now())`.execute(db)
  const columns = sql`partner_account_key, referral_id, referral_status, referral_substatus,
    referral_type, qualification, referral_source, call_to_action, registration_status,
    customer_marketplace_intent, solution_area, solution_play, partner_role, referral_category,
    deal_type, has_iot_requirements, customer_contact_count, team_member_count, is_missing,
    source_updated_at, row_hash`
  const values = (
    id: string,
  ) => sql`1, ${id}, 'New', 'Received', 'Shared', 'None', '-', '-', 'None',
    '-', '-', '-', '-', 'Other', 'Unknown', false, 0, 1, false, now(), 0`
  for (const [index, email] of emails.entries()) {
    await sql`
      insert into dw.dim_referral (referral_key, ${columns}, created_run_id, updated_run_id)
      values (${index + 1}, ${values(`R-${index + 1}`)}, 1, 1)`.execute(db)
    await sql`
      insert into pii.contact (partner_account_key, referral_key, contact_role, contact_no, email,
        row_hash, created_run_id, updated_run_id)
      values (1, ${index + 1}, ${email.startsWith('buyer') ? 'customer' : 'referral_team'}, 1, ${email},
        0, 1, 1)`.execute(db)
  }
  await sql`
    insert into stg.dim_referral (${columns}, referral_no) values (${values('R-9')}, 1)`.execute(db)
}

test('an upgrade in place finds the referrals with a member of Microsoft', () =>
  withEmptyDatabase(async (db) => {
    await migrateBefore(db, '0025')
    const emails = [
      'someone@example.com',
      'Someone@Example.Microsoft.com',
      'someone@notmicrosoft.com',
      'someone@example.onmicrosoft.com',
      'buyer@example.microsoft.com',
    ]
    await fill(db, emails)
    await migrate(db)
    const { rows } = await sql<{ id: string }>`
      select referral_id as id from dw.dim_referral where has_microsoft_member order by 1`.execute(
      db,
    )
    expect(rows.map(({ id }) => id)).toEqual(['R-2'])
  }))
