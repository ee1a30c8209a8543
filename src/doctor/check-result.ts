import type { CosellError, FailureKind } from '../errors.ts'

/** What one check of `cosell doctor` came to. */
export interface Verdict {
  readonly check: string
  readonly status: 'ok' | 'warn' | 'fail' | 'skipped'
  readonly detail: string
  /** Who or what has to be changed; absent when nothing has to. */
  readonly remedy?: string
  /** Of a failed check: what a run would fail with. */
  readonly kind?: FailureKind
}

/** A failure as a verdict: its first sentence is what was found, the rest what to do. */
export function verdictOf(check: string, { message, kind }: CosellError): Verdict {
  const [, detail = message, remedy] = /^(.*?)\.\s+(?=[A-Z`])(.+)$/s.exec(message) ?? []
  return { check, status: 'fail', kind, detail, ...(remedy === undefined ? {} : { remedy }) }
}

/** What only another configuration can mend. */
export function wrong(check: string, detail: string, remedy: string): Verdict {
  return { check, status: 'fail', kind: 'configuration', detail, remedy }
}
