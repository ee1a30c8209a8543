import type { WatchedEvent } from '../../pipeline/run-events.ts'
import type { LastPublish } from '../../report/queries/freshness.ts'
import type { LatestRun } from '../../report/queries/latest-runs.ts'
import type { AccountStatus } from '../../report/queries/status.ts'

/** What the warehouse and the token store say of all accounts. */
export interface WarehouseState {
  readonly accounts: readonly AccountStatus[]
  readonly publishes: readonly LastPublish[]
  readonly runs: readonly LatestRun[]
}

/** How a command ended. */
export interface CommandEnd {
  readonly command: string
  readonly exitCode: number
  readonly startMs: number
  readonly endMs: number
}

/** One value of a metric. */
export interface Sample {
  readonly metric: keyof typeof metrics
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Prefix of the metrics of the command itself, which need no warehouse. */
export const commandPrefix = 'cosell_command_'

/** Every metric, all of them gauges, and its meaning. Names end with the unit, as in Prometheus. */
export const metrics = {
  cosell_last_success_timestamp_seconds: 'When a run or an import last published the account.',
  cosell_watermark_timestamp_seconds: 'Source time up to which changes are published.',
  cosell_watermark_lag_seconds: 'Seconds from the watermark to the moment of writing.',
  cosell_referrals: 'Referrals in the warehouse.',
  cosell_open_findings: 'Findings of the data quality rules.',
  cosell_quarantined_versions: 'Versions of referrals that could not be loaded.',
  cosell_sign_in_age_seconds: 'Seconds since the stored sign-in was renewed.',
  cosell_last_run_success: '1 when the latest run that ended has published, else 0.',
  cosell_last_run_start_timestamp_seconds: 'Start of the latest run that ended.',
  cosell_last_run_duration_seconds: 'From its start to its end.',
  cosell_last_run_requests: 'Requests to the API, repeats included.',
  cosell_last_run_throttled_responses: 'Answers 429 among them.',
  cosell_last_run_referrals_read: 'Referrals that it read.',
  cosell_last_run_referrals_changed: 'Referrals with a new version.',
  cosell_last_run_rows_written: 'Rows inserted, updated or deleted in dw and pii.',
  cosell_run_stage_duration_seconds: 'Time of a stage, of all runs of the command.',
  cosell_run_requests: 'Requests to the API in the command, repeats included.',
  cosell_run_throttled_seconds: 'Time by which answers 429 made all requests wait.',
  cosell_run_exit_code: 'Exit code of the account in the command: 0 when it published.',
  cosell_command_exit_code: 'Exit code of the command.',
  cosell_command_duration_seconds: 'From the start of the command to its end.',
  cosell_command_end_timestamp_seconds: 'When the command ended.',
} as const

/** Samples of the state; what is not known has none, since 0 would be a value. */
export function stateSamples({ accounts, publishes, runs }: WarehouseState, nowMs: number) {
  const samples: Sample[] = []
  const add = (metric: Sample['metric'], labels: Sample['labels'], value: number | null) => {
    if (value !== null) samples.push({ metric, labels, value })
  }
  for (const { account, last_published_at } of publishes) {
    add('cosell_last_success_timestamp_seconds', { account }, secondsOf(last_published_at))
  }
  for (const status of accounts) {
    const of = { account: status.account }
    const watermark = secondsOf(status.watermark)
    add('cosell_watermark_timestamp_seconds', of, watermark)
    if (status.is_active) {
      add('cosell_watermark_lag_seconds', of, sinceSeconds(watermark, nowMs))
    }
    add('cosell_referrals', of, status.referrals)
    add('cosell_open_findings', of, status.open_findings)
    add('cosell_quarantined_versions', of, status.open_quarantine)
    const renewed = secondsOf(status.sign_in_renewed_at)
    add('cosell_sign_in_age_seconds', of, sinceSeconds(renewed, nowMs))
  }
  for (const run of runs) {
    const of = { account: run.account, mode: run.run_mode }
    add('cosell_last_run_success', of, run.is_published ? 1 : 0)
    add('cosell_last_run_start_timestamp_seconds', of, secondsOf(run.started_at))
    add('cosell_last_run_duration_seconds', of, run.duration_seconds)
    add('cosell_last_run_requests', of, run.requests)
    add('cosell_last_run_throttled_responses', of, run.throttled)
    add('cosell_last_run_referrals_read', of, run.seen)
    add('cosell_last_run_referrals_changed', of, run.changed)
    add('cosell_last_run_rows_written', of, run.rows_written)
  }
  return samples
}

/** Samples of what the runs of a command told. */
export function eventSamples(events: readonly WatchedEvent[]): Sample[] {
  const sums = new Map<string, Sample>()
  const add = (metric: Sample['metric'], labels: Sample['labels'], value: number) => {
    const key = JSON.stringify([metric, labels])
    sums.set(key, { metric, labels, value: value + (sums.get(key)?.value ?? 0) })
  }
  for (const event of events) {
    const { account } = event
    if (event.kind === 'stage') {
      const { stage, startMs, endMs } = event
      const metric = 'cosell_run_stage_duration_seconds'
      add(metric, { account, stage }, (endMs - startMs) / 1_000)
    }
    if (event.kind === 'account') {
      add('cosell_run_exit_code', { account }, event.exitCode)
      add('cosell_run_requests', { account }, event.requests)
      add('cosell_run_throttled_seconds', { account }, event.throttledMs / 1_000)
    }
  }
  return [...sums.values()]
}

export function commandSamples({ command, exitCode, startMs, endMs }: CommandEnd): Sample[] {
  const labels = { command }
  return [
    { metric: 'cosell_command_exit_code', labels, value: exitCode },
    { metric: 'cosell_command_duration_seconds', labels, value: (endMs - startMs) / 1_000 },
    { metric: 'cosell_command_end_timestamp_seconds', labels, value: endMs / 1_000 },
  ]
}

function secondsOf(instant: string | null): number | null {
  return instant === null ? null : Date.parse(instant) / 1_000
}

function sinceSeconds(seconds: number | null, nowMs: number): number | null {
  return seconds === null ? null : Math.max(0, nowMs / 1_000 - seconds)
}
