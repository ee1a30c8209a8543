import { sql } from 'kysely'
import type { Change, Night } from '../answers.ts'
import type { Query } from '../rows/filters.ts'

type State = Omit<Night, 'changes' | 'version_no'> & {
  readonly version_no: number
  readonly changed_at: string
}

interface ChangeRow {
  readonly version_no: number | null
  readonly changed_at: string
  readonly changed_date: string
  readonly seen_at: string
  readonly property: string
  readonly before_value: string | null
  readonly after_value: string | null
  readonly before_amount: string | null
  readonly after_amount: string | null
  readonly before_currency_code: string | null
  readonly after_currency_code: string | null
  readonly before_date: string | null
  readonly after_date: string | null
}

/** Reads every state that a referral was in, and what changed each time, latest first. */
export async function readLife(
  query: Query,
  key: { readonly partner_account_key: number; readonly referral_key: number },
): Promise<Night[]> {
  const { rows: states } = await sql<State>`
    select history.valid_from_date as day, history.valid_from as changed_at, history.observed_at,
      history.version_no, history.is_estimated, status.stage_label, history.is_missing,
      history.deal_value_amount, history.currency_code, history.expected_close_date
    from dw.fact_referral_history history
    join dw.dim_status status on status.status_key = history.status_key
    where history.referral_key = ${key.referral_key}
      and history.partner_account_key = ${key.partner_account_key}
    order by history.version_no`.execute(query)
  const { rows: changes } = await sql<ChangeRow>`
    select change.version_no, change.changed_at, change.changed_date, change.seen_at,
      change.property, change.before_value, change.after_value, change.before_amount,
      change.after_amount, change.before_currency_code, change.after_currency_code,
      change.before_date, change.after_date
    from mart.referral_change change
    where change.referral_key = ${key.referral_key}
      and change.partner_account_key = ${key.partner_account_key}
    order by change.changed_at, change.property`.execute(query)
  return lifeOf(states, changes)
}

/** Puts changes to the states that they led to; those of solutions alone get a night of their own. */
function lifeOf(states: readonly State[], changes: readonly ChangeRow[]): Night[] {
  const nights = states.map(({ changed_at, ...state }) => ({
    changed_at,
    night: {
      ...state,
      changes: changes.filter(({ version_no }) => version_no === state.version_no).map(toChange),
    } as Night,
  }))
  const others = new Map<string, ChangeRow[]>()
  for (const change of changes) {
    if (change.version_no !== null) continue
    others.set(change.changed_at, [...(others.get(change.changed_at) ?? []), change])
  }
  for (const [changed_at, rows] of others) {
    const [first] = rows
    const state =
      states.filter((one) => Date.parse(one.changed_at) <= Date.parse(changed_at)).at(-1) ??
      states[0]
    if (first === undefined || state === undefined) continue
    const { changed_at: _, ...shown } = state
    const night = {
      ...shown,
      day: first.changed_date,
      observed_at: first.seen_at,
      version_no: null,
      changes: rows.map(toChange),
    }
    nights.push({ changed_at, night })
  }
  return nights
    .sort(
      (one, other) =>
        Date.parse(other.changed_at) - Date.parse(one.changed_at) ||
        (other.night.version_no ?? Number.POSITIVE_INFINITY) -
          (one.night.version_no ?? Number.POSITIVE_INFINITY),
    )
    .map(({ night }) => night)
}

function toChange(row: ChangeRow): Change {
  const isAmount = row.before_amount !== null || row.after_amount !== null
  const isDay = row.before_date !== null || row.after_date !== null
  const label = `${row.property.slice(0, 1).toUpperCase()}${row.property.slice(1)}`
  return {
    property: row.property,
    label,
    kind: isAmount ? 'amount' : isDay ? 'day' : 'text',
    before: row.before_amount ?? row.before_date ?? row.before_value,
    after: row.after_amount ?? row.after_date ?? row.after_value,
    currency_before: isAmount ? row.before_currency_code : null,
    currency_after: isAmount ? row.after_currency_code : null,
  }
}
