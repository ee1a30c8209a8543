import { type CosellError, PartialFailure } from '../../errors.ts'
import { exitCodes, type FailureKind, gravestFirst } from '../../exit-codes.ts'
import {
  type AccountOutcome,
  addSummaries,
  type RunResult,
  type RunSummary,
} from '../run-summary.ts'

/** What came of one account: sums of its published runs, and why it failed if it did. */
export interface AccountLoad {
  readonly account: string
  /** Runs, requests, throttling and stages are those of a failed run too. */
  readonly summary: RunSummary
  readonly failure: CosellError | undefined
  readonly durationMs: number
}

/** A command of which accounts failed, with what it did all the same. */
export class AccountsFailed extends PartialFailure {
  constructor(
    failure: CosellError,
    override readonly result: RunResult & { readonly warehouse?: string },
  ) {
    super(failure, result)
  }
}

/**
 * Returns the failure that speaks for all: the gravest by the table of exit codes, of several of one
 * kind the first.
 */
export function gravestOf(failures: readonly CosellError[]): CosellError | undefined {
  const ranked = gravestFirst.flatMap(
    (kind) => failures.find((failure) => failure.kind === kind) ?? [],
  )
  return ranked[0] ?? failures[0]
}

/** Nobody tolerates a signal, which ends the whole command, or a fault of the program. */
const neverTolerated: readonly FailureKind[] = ['interrupted', 'terminated', 'hangup', 'bug']

/**
 * Sums up the accounts of a command. Up to `tolerated` failed accounts leave the exit code 0 while another
 * one published, and neither a signal nor a fault of the program is among the failures.
 */
export function concludeLoads(loads: readonly AccountLoad[], tolerated: number): RunResult {
  const failures = loads.flatMap(({ failure }) => failure ?? [])
  const { status: _, ...sums } = addSummaries(loads.map(({ summary }) => summary))
  const accounts = loads.map(outcomeOf)
  const gravest = gravestOf(failures)
  if (gravest === undefined) return { status: 'published', ...sums, accounts }
  const isPartly = failures.length < loads.length
  const isTolerated =
    isPartly &&
    failures.length <= tolerated &&
    !failures.some(({ kind }) => neverTolerated.includes(kind))
  return {
    status: isPartly ? 'partly' : 'failed',
    exit_code: isTolerated ? exitCodes.done.code : gravest.exitCode,
    code: gravest.code,
    message: gravest.message,
    ...sums,
    accounts,
  }
}

function outcomeOf({ account, summary, failure, durationMs }: AccountLoad): AccountOutcome {
  const { run_ids, seen, changed, quarantined, requests } = summary
  return {
    account,
    status: failure === undefined ? 'published' : 'failed',
    exit_code: failure?.exitCode ?? exitCodes.done.code,
    code: failure?.code ?? null,
    message: failure?.message ?? null,
    run_ids,
    seen,
    changed,
    quarantined,
    requests,
    duration_ms: Math.round(durationMs),
  }
}
