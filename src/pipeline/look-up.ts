import { CosellError } from '../errors.ts'
import { textOf } from '../extract/api/timestamps.ts'
import { readById } from '../extract/paging/read-by-id.ts'
import { type Look, listMissedOnce, listUnlisted } from '../load/landing/looks.ts'
import { checkMassDisappearance } from '../load/landing/presence.ts'
import { unknownPrincipal } from '../load/runs/ledger.ts'
import { askInBulk } from '../load/runs/prepare-for-bulk.ts'
import type { AccountApi } from './account-api.ts'
import type { Landing } from './land-pages.ts'
import type { Run } from './run-context.ts'

/** A run that reads the API of its account. */
export interface Reading extends AccountApi {
  readonly run: Run
  readonly landing: Landing
}

/** Most absent referrals that a run reads by id; the next run reads others. */
const lookUpsMax = 500

/** The look of the principal who signed in; for use after the first request. */
export function lookOf({ run, api }: Reading): Look {
  const { lease, runId, startedAt: observedAt } = run
  const principal = api.principal() ?? unknownPrincipal
  return { account: lease.partnerAccountKey, runId, principal, observedAt }
}

/**
 * Reads what no page need show, and was not on the pages of this run: referrals whose registration may
 * have changed without a new `updatedDateTime`; and those that were absent in an earlier night.
 * Returns the ids that the API does not have.
 */
export async function lookUpDue(
  reading: Reading,
  open: readonly string[],
): Promise<readonly string[]> {
  const { query } = reading.run.warehouse
  const look = lookOf(reading)
  const missedOnce = await listMissedOnce(query, look, lookUpsMax)
  const missed = new Set(missedOnce)
  const ids = [...open.filter((id) => !missed.has(id)), ...missedOnce]
  const { found, notFound } = await lookUp(reading, ids, missed)
  if (notFound.length === 0 || found > 0 || (await isNewestFound(reading))) return notFound
  const text = 'reads by id find no referral, not even a listed one: they say nothing about absence'
  reading.run.log.logger.warn({ run_id: look.runId, not_found: notFound.length }, text)
  return []
}

/**
 * Reads by id what a full read did not list, but for `asked`; a list may lack a row that is there. What
 * is found is landed like a listed referral.
 *
 * @throws CosellError `checkFailed` when the list lacks too many referrals; none is read then.
 */
export async function lookUpUnlisted(reading: Reading, asked: readonly string[]): Promise<void> {
  const { warehouse, reference } = reading.run
  const look = lookOf(reading)
  const unlisted = await listUnlisted(warehouse.query, look, lookUpsMax)
  const ids = unlisted.filter((id) => !asked.includes(id))
  if (ids.length === 0) return
  const presence = { ...reference.settings, ...look, isComplete: true, notFound: [] }
  await askInBulk(warehouse.query, (transaction) => checkMassDisappearance(transaction, presence))
  await lookUp(reading, ids, new Set(ids))
}

/** Lands the referrals that the API has. Where it fails to answer for an `absent` one, it has no say. */
async function lookUp(
  { run, landing, api }: Reading,
  ids: readonly string[],
  absent: ReadonlySet<string>,
): Promise<{ readonly found: number; readonly notFound: readonly string[] }> {
  if (ids.length > 0) landing.expect({ phase: 'reading by id', total: ids.length })
  const notFound: string[] = []
  let found = 0
  const failures: string[] = []
  const getReferral = (id: string) =>
    api.getReferral(id).catch((error: unknown) => {
      if (!absent.has(id) || !isOfOneRequest(error)) throw error
      failures.push(error.message)
      return null
    })
  for await (const answer of readById({ getReferral }, ids, run.config.concurrency)) {
    if (answer === null) continue
    if (answer.referral === null) notFound.push(answer.id)
    else {
      found += 1
      await landing.landOne(answer)
    }
  }
  await landing.landRest()
  if (failures.length > 0) {
    const text = 'the API does not answer for absent referrals: they are asked for again next time'
    const [reason] = failures
    run.log.logger.warn({ run_id: run.runId, failed: failures.length, reason }, text)
  }
  return { found, notFound }
}

/** Whether a failure may be that of one referral, which the API cannot serve. */
export function isOfOneRequest(error: unknown): error is CosellError {
  if (!(error instanceof CosellError)) return false
  const codes = ['api.unavailable', 'api.unusable_answer', 'retry.budget_exhausted']
  return codes.includes(error.code) || error.code.startsWith('api.status_')
}

/** Whether the API has, read by id, the referral that it lists as its newest. */
async function isNewestFound({ api }: Reading): Promise<boolean> {
  const { referrals } = await api.getPage({ orderBy: 'createdDateTime desc', top: 1 })
  const id = textOf(referrals[0], 'id')
  return id !== '' && (await api.getReferral(id)).referral !== null
}
