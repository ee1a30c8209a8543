import { sql } from 'kysely'
import { findingRules } from '../../finding-rules.ts'
import { readAccounts } from '../../report/queries/themes.ts'
import type { FindingGroup, QualityAnswer } from '../answers.ts'
import { drillTo } from '../choice.ts'
import type { Chosen, Query } from '../rows/filters.ts'
import { openFindings } from '../rows/sources.ts'

/** Reads how fresh the accounts are, and the open findings by rule. */
export async function readQuality(
  query: Query,
  chosen: Chosen,
  now: string,
): Promise<QualityAnswer> {
  const findings = await readFindings(query, chosen)
  const byAccount = await readByAccount(query)
  const { account } = chosen.choice
  const accounts = await readAccounts(query, now, byAccount)
  return {
    choice: chosen.choice,
    notes: ['Findings are those of today; periods and days do not filter them.'],
    accounts: accounts.filter((one) => account.length === 0 || account.includes(one.account)),
    findings,
  }
}

async function readFindings(query: Query, chosen: Chosen): Promise<FindingGroup[]> {
  const { rows } = await sql<Pick<FindingGroup, 'rule_code' | 'severity' | 'count'>>`
    select rule_code, severity, count(*) as count
    from (${openFindings(chosen).rows}) finding
    group by rule_code, severity
    order by array_position(array['error', 'warn', 'info'], severity), count(*) desc, rule_code
    `.execute(query)
  return rows.map((row) => ({
    ...row,
    label: row.rule_code,
    meaning: meaningOf(row.rule_code),
    drill: drillTo('findings', { rule: row.rule_code, severity: row.severity }),
  }))
}

/** Returns what a rule means; a rule of another version of cosell has no words here. */
function meaningOf(rule: string): string {
  const known: Readonly<Record<string, { readonly meaning: string }>> = findingRules
  return known[rule]?.meaning ?? ''
}

async function readByAccount(query: Query) {
  interface Counted {
    readonly account: string
    readonly rule_code: string
    readonly severity: string
    readonly finding_count: number
  }
  const { rows } = await sql<Counted>`
    select account_code as account, '' as rule_code, '' as severity, count(*) as finding_count
    from mart.data_quality
    group by account_code`.execute(query)
  return rows
}
