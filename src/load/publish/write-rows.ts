import type { Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { publishDimensions } from './publish-dimensions.ts'
import { publishChildren } from './publish-facts.ts'
import { publishFindings } from './publish-findings.ts'
import { publishQuarantine } from './publish-quarantine.ts'
import type { Publication, RowsWritten } from './upsert.ts'

export interface PublishedRows {
  readonly written: readonly RowsWritten[]
  readonly quarantined: number
}

/** Writes all rows that a publish owes to staged referrals, in the order of what they refer to. */
export async function publishRows(
  transaction: Transaction<Database>,
  publication: Publication,
  isEverythingStaged: boolean,
): Promise<PublishedRows> {
  const dimensions = await publishDimensions(transaction, publication)
  const children = await publishChildren(transaction, publication)
  await publishFindings(transaction, publication, isEverythingStaged)
  const quarantined = await publishQuarantine(transaction, publication)
  return { written: [...dimensions, ...children], quarantined }
}
