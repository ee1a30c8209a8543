import type { AccountConfig } from '../config.ts'
import { CosellError } from '../errors.ts'
import { refuseBesideDemo } from '../pipeline/accounts/demo-account.ts'
import type { DatabaseState } from './account-checks.ts'
import { type CheckResult, failedWith } from './check-result.ts'

/** Returns a failed check when a run would refuse the warehouse for the demo in it; else none. */
export async function checkDemo(
  account: AccountConfig,
  { warehouse, checks }: DatabaseState,
): Promise<CheckResult[]> {
  if (warehouse === null || !checks.isMigrated) return []
  try {
    await refuseBesideDemo(warehouse.query, account)
  } catch (error) {
    // Anything else is found by the database's own checks.
    if (error instanceof CosellError && error.code === 'account.demo') {
      return [failedWith('demo', error)]
    }
  }
  return []
}
