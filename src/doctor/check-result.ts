import type { CosellError } from '../errors.ts'
import type { FailureKind } from '../exit-codes.ts'

/** Result of one check of `cosell doctor`. */
export interface CheckResult {
  readonly check: string
  readonly status: 'ok' | 'warn' | 'fail' | 'skipped'
  readonly detail: string
  /** Change to make, and by whom; absent when none is needed. */
  readonly remedy?: string
  /** Kind of failure that a run would end with; set for failed checks. */
  readonly kind?: FailureKind
}

/** Returns an error as a failed check: its first sentence is the finding, the rest the remedy. */
export function failedWith(check: string, { message, kind }: CosellError): CheckResult {
  const [, detail = message, remedy] = /^(.*?)\.\s+(?=[A-Z`])(.+)$/s.exec(message) ?? []
  return { check, status: 'fail', kind, detail, ...(remedy === undefined ? {} : { remedy }) }
}

/** Returns a failed check that only another configuration can fix. */
export function failed(check: string, detail: string, remedy: string): CheckResult {
  return { check, status: 'fail', kind: 'configuration', detail, remedy }
}
