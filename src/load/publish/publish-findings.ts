import { sql } from 'kysely'
import type { Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import type { StageTable } from '../staging/stage-tables.ts'
import {
  addUnknownValues,
  compareVisibility,
  countReferrals,
  deleteKnownValues,
} from './findings/account-findings.ts'
import {
  asFoundNow,
  findingColumns,
  findingKey,
  isAboutReferral,
} from './findings/finding-columns.ts'
import { acvBelowMinimum, refreshMinimumFindings } from './findings/minimum-findings.ts'
import { missingRate, refreshRateFindings } from './findings/missing-rates.ts'
import { isAt, starRows, stored } from './star/star-access.ts'
import { mayHaveRows, type Publication } from './star/upsert.ts'

/**
 * Replaces the findings of the staged referrals; a finding that stays keeps its first run. Then
 * come the findings of the account: one for each undocumented value, one for each property without
 * a column, time without zone and object instead of a list, for any number of referrals, and one when
 * some referrals are not visible to the principal.
 */
export async function publishFindings(
  transaction: Transaction<Database>,
  publication: Publication,
  isEverythingStaged: boolean,
) {
  const has = (stage: StageTable) => mayHaveRows(publication, stage)
  const hasReferrals = has('stg.dim_referral')
  if (hasReferrals || has('stg.dq_finding')) {
    // Before the replacement: it compares the old findings with the staged ones.
    await countReferrals(transaction, publication)
    await replaceReferralFindings(transaction, publication)
  }
  if (has('stg.enum_value')) await addUnknownValues(transaction, publication)
  if (isEverythingStaged) await deleteKnownValues(transaction, publication)
  await compareVisibility(transaction, publication)
  if (!hasReferrals && !isEverythingStaged) return
  const scope = { ...publication, isEverythingStaged }
  await refreshRateFindings(transaction, scope)
  await refreshMinimumFindings(transaction, scope)
}

async function replaceReferralFindings(
  transaction: Transaction<Database>,
  { partnerAccountKey, runId, access }: Publication,
) {
  const known = starRows(access, ['dw.fact_finding', 'old'], isAboutReferral)
  await transaction
    .with(
      (cte) => stored(access, cte('old')),
      (from) =>
        from
          .selectFrom('stg.referral_key as k')
          .innerJoin(known.rows, (join) => join.on(known.on))
          .select(sql<string>`old.ctid`.as('ctid'))
          .select(['old.partner_account_key', 'old.referral_id', 'old.rule_code', 'old.item_ref'])
          .where('k.partner_account_key', '=', partnerAccountKey),
    )
    .deleteFrom('dw.fact_finding')
    .where(({ selectFrom }) =>
      isAt(
        selectFrom('old')
          .select('old.ctid')
          .where('old.rule_code', 'not in', [missingRate, acvBelowMinimum])
          .where(({ exists, not, selectFrom }) =>
            not(
              exists(
                selectFrom('stg.dq_finding as s')
                  .whereRef('s.partner_account_key', '=', 'old.partner_account_key')
                  .whereRef('s.referral_id', '=', 'old.referral_id')
                  .whereRef('s.rule_code', '=', 'old.rule_code')
                  .whereRef('s.item_ref', '=', 'old.item_ref'),
              ),
            ),
          ),
      ),
    )
    .execute()
  await transaction
    .insertInto('dw.fact_finding')
    .columns(findingColumns)
    .expression(({ cast, selectFrom, val }) =>
      selectFrom('stg.dq_finding as s')
        .distinctOn(['s.referral_id', 's.rule_code', 's.item_ref'])
        .select(['s.partner_account_key', 's.referral_id', 's.rule_code', 's.item_ref'])
        .select(['s.severity', 's.detail', 's.observed_value'])
        .select([
          cast<number>(val(runId), 'bigint').as('first_seen_run_id'),
          cast<number>(val(runId), 'bigint').as('last_seen_run_id'),
        ])
        .where('s.partner_account_key', '=', partnerAccountKey)
        .orderBy('s.referral_id')
        .orderBy('s.rule_code')
        .orderBy('s.item_ref'),
    )
    .onConflict((on) => on.columns(findingKey).doUpdateSet(asFoundNow))
    .execute()
}
