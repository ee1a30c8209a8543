/** What a run did, as `run --json` prints it. */
export interface RunFigures {
  readonly seen: number
  readonly changed: number
  readonly unchanged: number
  readonly quarantined: number
  readonly missing: number
  readonly requests: number
  readonly throttled: number
  readonly rows_written: number
  readonly duration_ms: number
  readonly stages: Readonly<Record<'extract_ms' | 'transform_ms' | 'publish_ms', number>>
}

export interface TableFigures {
  readonly table: string
  readonly rows: number
}

export interface AcvFigures {
  readonly fiscal_year_label: string
  readonly currency_code: string
  readonly contract_acv_amount: string
}

export interface AccountFigures {
  readonly account: string
  readonly watermark: string | null
  readonly last_published_at: string | null
  readonly age_hours: number | null
  readonly referrals: number
  readonly open_findings: number
  readonly open_quarantine: number
  readonly signed_in_at: string | null
  readonly sign_in_renewed_at: string | null
  readonly sign_in_idle_days: number | null
  readonly sign_in_warning: string | null
  readonly runs: readonly {
    readonly run_id: number
    readonly run_mode: string
    readonly run_status: string
    readonly started_at: string
    readonly referral_seen_count: number
    readonly referral_changed_count: number
    readonly referral_quarantined_count: number
    readonly error_message: string | null
  }[]
}

const whole = (count: number) => count.toLocaleString('en-US')
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

/** A run in a few lines for a person. */
export function renderRun(run: RunFigures): string {
  const referrals = [
    `${whole(run.seen)} seen`,
    `${whole(run.changed)} changed`,
    `${whole(run.unchanged)} unchanged`,
    `${whole(run.quarantined)} quarantined`,
    `${whole(run.missing)} missing`,
  ]
  const nothing = run.rows_written === 0 ? ': nothing changed' : ''
  const { extract_ms, transform_ms, publish_ms } = run.stages
  return [
    `Referrals  ${referrals.join(', ')}`,
    `Requests   ${whole(run.requests)}, ${whole(run.throttled)} throttled`,
    `Rows       ${whole(run.rows_written)} written${nothing}`,
    `Time       extract ${seconds(extract_ms)}, transform and stage ${seconds(transform_ms)}, publish ${seconds(publish_ms)}`,
  ].join('\n')
}

export function renderTables(tables: readonly TableFigures[]): string {
  return renderGrid(
    ['Table', 'Rows'],
    tables.map(({ table, rows }) => [table, whole(rows)]),
  )
}

/** Contract ACV: a line a fiscal year, a column a currency, whole units; amounts are never mixed. */
export function renderAcv(acv: readonly AcvFigures[]): string {
  const currencies = [...new Set(acv.map((row) => row.currency_code))].sort()
  const years = [...new Set(acv.map((row) => row.fiscal_year_label))].sort()
  const amountOf = (year: string, currency: string) => {
    const found = acv.find(
      (row) => row.fiscal_year_label === year && row.currency_code === currency,
    )
    return found === undefined ? '-' : wholeUnits(found.contract_acv_amount)
  }
  return renderGrid(
    ['Contract ACV', ...currencies],
    years.map((year) => [year, ...currencies.map((currency) => amountOf(year, currency))]),
  )
}

export function renderStatus(accounts: readonly AccountFigures[]): string {
  if (accounts.length === 0) return 'The warehouse is empty: no account was loaded yet.'
  return accounts.map(renderAccount).join('\n\n')
}

function renderAccount(account: AccountFigures): string {
  const age = account.age_hours === null ? 'never' : `${account.age_hours} hours ago`
  const runs = account.runs.map((run) => [
    String(run.run_id),
    run.run_mode,
    run.run_status,
    run.started_at.slice(0, 19),
    whole(run.referral_seen_count),
    whole(run.referral_changed_count),
    whole(run.referral_quarantined_count),
  ])
  const failed = account.runs.find((run) => run.error_message !== null)
  return [
    `Account      ${account.account}`,
    `Published    ${age}, up to ${account.watermark ?? 'nothing yet'}`,
    `Referrals    ${whole(account.referrals)}`,
    `Open         ${whole(account.open_findings)} findings, ${whole(account.open_quarantine)} in quarantine`,
    `Sign-in      ${signInOf(account)}`,
    ...(account.sign_in_warning === null ? [] : [`Warning      ${account.sign_in_warning}`]),
    '',
    renderGrid(['Run', 'Mode', 'Status', 'Started', 'Seen', 'Changed', 'Quarantined'], runs),
    ...(failed === undefined ? [] : ['', `Run ${failed.run_id} failed: ${failed.error_message}`]),
  ].join('\n')
}

function signInOf(account: AccountFigures): string {
  const { signed_in_at, sign_in_renewed_at, sign_in_idle_days: days } = account
  if (sign_in_renewed_at === null || days === null) return 'of unknown age'
  const renewed = `renewed ${days} ${days === 1 ? 'day' : 'days'} ago`
  return signed_in_at === null ? renewed : `of ${signed_in_at.slice(0, 10)}, ${renewed}`
}

/** Digits before the point with thousands separated, rounded by nothing but the cut. */
function wholeUnits(amount: string): string {
  return BigInt(amount.split('.')[0] ?? '0').toLocaleString('en-US')
}

/** Columns padded to their widest cell; numbers to the right. */
export function renderGrid(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const numeric = heads.map((_, column) =>
    rows.every((row) => /^[\d,.-]+$/.test(row[column] ?? '')),
  )
  return [heads, ...rows]
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0
          return numeric[column] && rows.length > 0 ? cell.padStart(width) : cell.padEnd(width)
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
