import { sql } from 'kysely'
import { CosellError } from '../errors.ts'
import { type FindingEntry, type FindingRule, findingRules } from '../finding-rules.ts'
import { checkAccountKnown, listAccounts } from '../load/runs/accounts.ts'
import type { Kysely } from '../warehouse/connection/database.ts'
import type { Database } from '../warehouse/tables.generated.ts'

/** Open findings of one rule. */
export interface RuleFindings {
  readonly rule_code: string
  readonly severity: string
  readonly meaning: string
  readonly remedy: string
  readonly findings: number
  /** Referrals that have one; findings about an account as a whole have none. */
  readonly referrals: number
  /** The first of them. */
  readonly shown: readonly ListedFinding[]
}

export interface ListedFinding {
  readonly account: string
  /** Empty for a finding about the account as a whole. */
  readonly referral_id: string
  /** Property, or column of a file. */
  readonly item_ref: string
  readonly detail: string | null
  /** A number, a day or a word of the API; null where it is what people typed. */
  readonly observed_value: string | null
  readonly first_seen_at: string
}

export interface FindingsRequest {
  /** Only this account. */
  readonly account: string | undefined
  /** Only this rule. */
  readonly rule: string | undefined
  /** Findings of a rule that are shown at most. */
  readonly shownMax: number
}

/**
 * Returns the open findings by rule: those that may make a figure wrong first, then the most frequent.
 * Neither people nor what people typed is among them.
 *
 * @throws CosellError `account.unknown`, `findings.unknown_rule`.
 */
export async function listFindings(
  query: Kysely<Database>,
  { account, rule, shownMax }: FindingsRequest,
): Promise<RuleFindings[]> {
  checkAccountKnown(account, await listAccounts(query))
  if (rule !== undefined && !(rule in findingRules)) throw unknownRule(rule)
  const { rows } = await sql<Counted>`
    with open as (
      select
        quality.*,
        row_number() over (
          partition by quality.rule_code
          order by quality.account_code, quality.referral_id, quality.item_ref collate "C"
        ) as place
      from mart.data_quality quality
      where quality.account_code = coalesce(${account ?? null}, quality.account_code)
        and quality.rule_code = coalesce(${rule ?? null}, quality.rule_code)
    )
    select
      rule_code,
      min(severity) as severity,
      count(*) as findings,
      count(distinct (partner_account_key, referral_id)) filter (where referral_id <> '') as referrals,
      json_agg(
        json_build_object(
          'account', account_code,
          'referral_id', referral_id,
          'item_ref', item_ref,
          'detail', detail,
          'observed_value', observed_value,
          'first_seen_at', to_char(first_seen_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        )
        order by place
      ) filter (where place <= ${shownMax}) as shown
    from open
    group by rule_code
    order by severity desc, findings desc, rule_code`.execute(query)
  return rows.map((row) => {
    const entry = findingEntry(row.rule_code)
    return {
      ...row,
      meaning: entry?.meaning ?? 'A rule of another version of cosell.',
      remedy: entry?.remedy ?? 'Look it up in the documents of that version.',
      shown: entry?.isFreeText ? row.shown.map(withoutValue) : row.shown,
    }
  })
}

type Counted = Omit<RuleFindings, 'meaning' | 'remedy'>

function withoutValue(finding: ListedFinding): ListedFinding {
  return { ...finding, observed_value: null }
}

/** Returns the entry of a rule; undefined for one of another version of cosell. */
export function findingEntry(rule: string): FindingEntry | undefined {
  return rule in findingRules ? findingRules[rule as FindingRule] : undefined
}

function unknownRule(rule: string): CosellError {
  const names = Object.keys(findingRules).join(', ')
  const text = `findings --rule: expected one of ${names}; got ${rule}.`
  return new CosellError('findings.unknown_rule', text)
}
