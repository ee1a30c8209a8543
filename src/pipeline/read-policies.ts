import { CosellError } from '../errors.ts'
import type { FetchedPolicies } from '../extract/api/policies.ts'
import { readById } from '../extract/paging/read-by-id.ts'
import {
  type LandedAnswer,
  landPolicies,
  listPoliciesDue,
  type PoliciesAnswer,
} from '../load/landing/policies.ts'
import { keyedDigest } from './land-pages.ts'
import { isOfOneRequest, type Reading } from './look-up.ts'
import type { Run } from './run-context.ts'

/** Most referrals whose policies a run asks for; the next run asks for others. */
const policiesMax = 2_000
/** Failed requests of a run after which it asks no more: the address is wrong, or down. */
const failuresMax = 5
/** Answers landed in one transaction. */
const answersMax = 100

/**
 * Asks for the eligibility policies of referrals that changed since they were asked for, where the
 * settings name an address. Returns the number of answers landed. An address that fails costs the
 * policies alone: the referrals are published without.
 */
export async function readPolicies(reading: Reading): Promise<number> {
  const { run, api } = reading
  const { warehouse, lease, runId, log } = run
  const template = run.reference.settings.eligibilityTemplate
  if (template === null) return 0
  const due = await listPoliciesDue(warehouse.query, lease.partnerAccountKey, template, policiesMax)
  const versions = new Map(due.map((one) => [one.referral_id, one.version_no]))
  const failures: string[] = []
  const getReferral = (id: string) =>
    api.getPolicies(template, id).catch((error: unknown) => {
      if (!isOfThisAddress(error)) throw error
      failures.push(error.message)
      return null
    })
  let landed = 0
  let answers: PoliciesAnswer[] = []
  const landRest = async () => {
    run.signal.throwIfAborted()
    if (answers.length > 0) await landPolicies(warehouse.query, lease, runId, answers)
    landed += answers.length
    answers = []
    log.progress({
      phase: 'reading policies',
      done: landed,
      total: versions.size,
      unit: 'referrals',
    })
  }
  for await (const found of readById(
    { getReferral },
    [...versions.keys()],
    run.config.concurrency,
  )) {
    if (found !== null) answers.push(toAnswer(run, template, versions.get(found.id) ?? 0, found))
    if (answers.length >= answersMax) await landRest()
    if (failures.length >= failuresMax) break
  }
  if (answers.length > 0) await landRest()
  if (failures.length > 0) {
    const text = 'the address of eligibility policies fails: they are asked for again next time'
    log.logger.warn({ run_id: runId, failed: failures.length, reason: failures[0] }, text)
  }
  return landed
}

function toAnswer(
  { reference }: Run,
  source: string,
  referral_version: number,
  { id, policies, requestId, fetchedAt }: FetchedPolicies,
): PoliciesAnswer {
  const payload = JSON.stringify({ source, referral_version, policies } satisfies LandedAnswer)
  return {
    referral_id: id,
    observed_at: fetchedAt,
    payload_hash: keyedDigest(reference.secret)(payload),
    source_ref: requestId,
    payload,
  }
}

/** Whether a failure says nothing about the API as a whole, whose pages were read a moment ago. */
function isOfThisAddress(error: unknown): error is CosellError {
  if (isOfOneRequest(error)) return true
  const codes = ['api.redirect', 'auth.forbidden', 'auth.unauthorized']
  return error instanceof CosellError && codes.includes(error.code)
}
