import { referralTables } from '../staging/stage-tables.ts'
import { checkNames } from './checks.ts'
import type { Announce } from './star/upsert.ts'

/** Step of a publish that begins. */
export interface PublishStep {
  /** Number from 1 to `of`. */
  readonly step: number
  readonly of: number
  /** Table that is written, or what else is done. */
  readonly name: string
}

export type OnStep = (step: PublishStep) => void

/** Steps before and after the tables, by the words of the progress. */
export const stepNames = {
  members: 'shared members',
  reconciliation: 'reconciliation',
  keys: 'keys',
  deals: 'deals',
  findings: 'findings',
  quarantine: 'quarantine',
  ledger: 'ledger',
  statistics: 'statistics',
} as const

const endOfPublish = [stepNames.ledger, stepNames.statistics]

/** Name of the step of a check. */
export function checkStep(check: string): string {
  return `check ${check.replaceAll('_', ' ')}`
}

/** Names of the steps of a publish from the stage, in their order. */
export async function stagedSteps(): Promise<string[]> {
  const { members, reconciliation, keys, deals, findings, quarantine } = stepNames
  const dimensions = [
    'dw.dim_tag',
    'dw.dim_seller',
    'dw.dim_customer',
    'dw.dim_solution',
    'dw.dim_referral',
  ]
  const facts = referralTables.map(({ target }) => target)
  const checks = (await checkNames()).map(checkStep)
  const written = [...dimensions, keys, ...facts, deals, findings, quarantine]
  return [members, reconciliation, ...written, ...checks, ...endOfPublish]
}

/** Names of the steps that follow the COPY of an initial load, in their order. */
export function initialSteps(checks: readonly string[]): string[] {
  const { members, reconciliation, deals, findings, quarantine } = stepNames
  const written = ['dw.dim_solution', 'dw.dim_tag', deals, findings, quarantine]
  return [members, ...written, reconciliation, ...checks.map(checkStep), ...endOfPublish]
}

/** Returns a function that announces steps by their place among `names`; others are left out. */
export function announceSteps(names: readonly string[], onStep: OnStep | undefined): Announce {
  return (name) => {
    const index = names.indexOf(name)
    if (index >= 0) onStep?.({ step: index + 1, of: names.length, name })
  }
}
