import { expect, test } from 'vitest'
import { accountTables, deletionOrder } from '../../../src/load/forget/account-tables.ts'
import { tables } from '../../../src/warehouse/tables.generated.ts'

/** Tables of the installation, and dimensions that all accounts share. */
const shared = [
  'pii.erasure',
  'pii.secret',
  // Known by its name before it has a key.
  'etl.account',
  'etl.enum_value',
  'etl.fx_quote',
  'etl.mart_grant',
  'etl.mart_view',
  'etl.setting',
  'etl.sign_in',
  'dw.dim_currency',
  'dw.dim_date',
  'dw.dim_status',
  'dw.documented_enum_value',
  'dw.fx_rate',
]

test('accountTables has every table but the shared ones, so that a new one is decided on', () => {
  const names: string[] = accountTables().map(({ table }) => table)
  expect(Object.keys(tables).filter((name) => !names.includes(name))).toEqual(shared)
})

test('accountTables finds a planted table by the key of its account, or else by its run', () => {
  const planted = {
    'dw.fact_new': { columns: ['partner_account_key', 'run_id'] },
    'etl.run_new': { columns: ['run_id', 'note'] },
    'dw.dim_new': { columns: ['created_run_id'] },
  }
  expect(accountTables(planted)).toEqual([
    { table: 'dw.fact_new', by: 'account' },
    { table: 'etl.run_new', by: 'run' },
  ])
})

test('deletionOrder puts what refers before what it refers to, and lease and account last', () => {
  const of = (by: 'account' | 'run', ...names: string[]) =>
    names.map((table) => ({ table: table as keyof typeof tables, by }))
  const ordered = deletionOrder(
    [
      ...of(
        'account',
        'dw.dim_partner_account',
        'dw.dim_referral',
        'etl.lease',
        'dw.fact_referral',
      ),
      ...of('account', 'etl.run', 'pii.contact'),
      ...of('run', 'etl.run_table'),
    ],
    [
      { table: 'dw.fact_referral', referenced: 'dw.dim_referral' },
      { table: 'pii.contact', referenced: 'dw.fact_referral' },
    ],
  )
  expect(ordered.map(({ table }) => table)).toEqual([
    'etl.run_table',
    'pii.contact',
    'dw.fact_referral',
    'dw.dim_referral',
    'etl.run',
    'etl.lease',
    'dw.dim_partner_account',
  ])
})
