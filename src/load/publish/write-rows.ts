import type { Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { findLeftDeals, publishEngagements } from './members/publish-engagements.ts'
import { publishDimensions } from './publish-dimensions.ts'
import { publishFacts } from './publish-facts.ts'
import { publishFindings } from './publish-findings.ts'
import { publishQuarantine } from './publish-quarantine.ts'
import type { Publication, RowsWritten } from './star/upsert.ts'
import { stepNames } from './steps.ts'

export interface PublishedRows {
  readonly written: readonly RowsWritten[]
  readonly quarantined: number
}

/** Writes all rows of the staged referrals, in the order of the foreign keys. */
export async function publishRows(
  transaction: Transaction<Database>,
  publication: Publication,
  isEverythingStaged: boolean,
): Promise<PublishedRows> {
  const leftDeals = await findLeftDeals(transaction, publication)
  const dimensions = await publishDimensions(transaction, publication)
  const facts = await publishFacts(transaction, publication)
  publication.announce?.(stepNames.deals)
  const engagements = await publishEngagements(transaction, publication, leftDeals)
  publication.announce?.(stepNames.findings)
  await publishFindings(transaction, publication, isEverythingStaged)
  publication.announce?.(stepNames.quarantine)
  const quarantined = await publishQuarantine(transaction, publication)
  return { written: [...dimensions, ...facts, ...engagements], quarantined }
}
