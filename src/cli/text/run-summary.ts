import type { RunSummary } from '../../pipeline/run-summary.ts'
import { formatCount } from './grid.ts'

/** Renders a run in four lines. */
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
  return [
    `Referrals  ${referrals.join(', ')}`,
    `Requests   ${formatCount(run.requests)}, ${formatCount(run.throttled)} throttled`,
    `Rows       ${formatCount(run.rows_written)} written${nothing}`,
    `Time       extract ${seconds(extract_ms)}, transform and stage ${seconds(transform_ms)}, publish ${seconds(publish_ms)}`,
  ].join('\n')
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
