import type { Log } from '../../log.ts'
import type { Warehouse } from '../../warehouse/connection/database.ts'
import type { LandedScope } from '../landing/landed-pages.ts'
import type { Lease } from '../runs/lease.ts'
import type { StagedBatch } from '../staging/stage-tables.ts'
import type { Reconciliation } from './reconcile.ts'
import type { RowsWritten } from './star/upsert.ts'
import type { OnStep } from './steps.ts'

/** The run that writes: where to, under which lease, and its log. */
export interface LoadRun {
  readonly warehouse: Warehouse
  readonly lease: Lease
  readonly log: Pick<Log, 'logger'>
}

/** Terms of a publish, however its rows come in. */
export interface PublishTask {
  readonly runId: number
  readonly watermark: string | null
  /**
   * Versions to publish. In a replay, of all or some, a referral counts as changed if its row
   * differs.
   */
  readonly scope: LandedScope
  /**
   * Above both limits the run publishes nothing: many unreadable referrals mean a changed source.
   */
  readonly quarantinePercentMax: number
  readonly quarantineCountMax: number
  /** Called as each step begins. */
  readonly onStep?: OnStep
}

/** Transformed referrals, and the terms of their publish. */
export interface LoadTask extends Omit<PublishTask, 'watermark'> {
  /** Rows of every referral. Called once more for each further attempt. */
  readonly batches: () => AsyncIterable<StagedBatch>
  /** What is known at the end of the batches. */
  readonly atEnd: () => LoadEnd
}

export interface LoadEnd extends Pick<PublishTask, 'watermark'> {
  /** Rows that pages brought; in a replay, landed versions. */
  readonly rowsRead: number
}

export interface PublishResult {
  readonly written: readonly RowsWritten[]
  /** Referrals that could be read. */
  readonly staged: number
  /** Referrals with a new version; in a replay, those whose row in `dw.dim_referral` differs. */
  readonly changed: number
  readonly quarantined: number
  readonly missing: number
  readonly reconciliation: Reconciliation
}
