import type { RunSummary } from '../../pipeline/run-summary.ts'
import { textColumns, wrapPhrases } from '../../terminal/terminal-text.ts'
import { formatCount } from './grid.ts'

const labelWidth = 11

/** Renders a run in four lines, which break where they are long. */
export function renderRun(run: RunSummary): string {
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
