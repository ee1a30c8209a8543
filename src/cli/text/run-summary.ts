import type { AccountOutcome, RunResult, RunSummary } from '../../pipeline/run-summary.ts'
import { textColumns, wrapPhrases } from '../../terminal/terminal-text.ts'
import { formatCount, renderGrid } from './grid.ts'

const labelWidth = 11

/** Renders a load in four lines, which break where they are long; before them each of several accounts. */
export function renderRun(run: RunSummary & Partial<Pick<RunResult, 'accounts'>>): string {
  const { accounts = [] } = run
  return accounts.length > 1 ? `${renderOutcomes(accounts)}\n\n${renderSums(run)}` : renderSums(run)
}

/** One line an account; the log has the messages of failures. */
function renderOutcomes(accounts: readonly AccountOutcome[]): string {
  const rows = accounts.map((one) => [
    one.account,
    one.code === null ? one.status : `${one.status}: ${one.code} (${one.exit_code})`,
    formatCount(one.seen),
    formatCount(one.changed),
    formatCount(one.quarantined),
    seconds(one.duration_ms),
  ])
  return renderGrid(['Account', 'Status', 'Seen', 'Changed', 'Quarantined', 'Time'], rows)
}

function renderSums(run: RunSummary): string {
  const referrals = [
    `${formatCount(run.seen)} seen`,
    `${formatCount(run.changed)} changed`,
    `${formatCount(run.unchanged)} unchanged`,
    `${formatCount(run.quarantined)} quarantined`,
    `${formatCount(run.missing)} missing`,
  ]
  const nothing = run.rows_written === 0 ? ': nothing changed' : ''
  const { extract_ms, transform_ms, publish_ms } = run.stages
  const times = [
    `extract ${seconds(extract_ms)}`,
    `transform and stage ${seconds(transform_ms)}`,
    `publish ${seconds(publish_ms)}`,
  ]
  return [
    renderPhrases('Referrals', referrals),
    renderPhrases('Requests', [
      formatCount(run.requests),
      `${formatCount(run.throttled)} throttled`,
    ]),
    renderPhrases('Rows', [`${formatCount(run.rows_written)} written${nothing}`]),
    renderPhrases('Time', times),
  ].join('\n')
}

/** Lists phrases after a label, and breaks a long line between them. */
function renderPhrases(label: string, phrases: readonly string[]): string {
  const [first = '', ...rest] = phrases.map((phrase, index) =>
    index + 1 < phrases.length ? `${phrase},` : phrase,
  )
  return wrapPhrases([label.padEnd(labelWidth) + first, ...rest], textColumns, labelWidth)
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
