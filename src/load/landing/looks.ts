import {
  type AliasedExpression,
  type Expression,
  expressionBuilder,
  type RawBuilder,
  type SqlBool,
  sql,
} from 'kysely'
import type { Kysely, Transaction } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { unknownPrincipal } from '../runs/ledger.ts'
import { askInBulk } from '../runs/prepare-for-bulk.ts'

/** Looks of one principal in different nights, all in vain, that make a referral missing. */
const looksMax = 2

/** Looks that are closer to each other than this are of one night: a night may have several runs. */
const nightHours = 12

const { exists, fn, not, or, selectFrom } = expressionBuilder<Database>()

/** A night's look at the referrals of an account, by one principal. */
export interface Look {
  readonly account: number
  readonly runId: number
  readonly principal: string
  /** Start of the run, as ISO text in UTC. */
  readonly observedAt: string
}

/**
 * Ids of the referrals that a full read did not list though its principal was once shown them, in id
 * order: those for which this night's look is the first or the second.
 */
export function listUnlisted(
  query: Kysely<Database>,
  look: Look,
  limit: number,
): Promise<string[]> {
  return listIds(query, (transaction) =>
    transaction
      .selectFrom(absentReferrals(transaction, look, sql<boolean>`true`).as('absent'))
      .select('absent.referral_id as id')
      .orderBy('id')
      .limit(limit),
  )
}

/**
 * Ids of the referrals that this principal has missed once, in an earlier night, in id order; but for
 * those that the pages of the run had.
 */
export function listMissedOnce(
  query: Kysely<Database>,
  look: Look,
  limit: number,
): Promise<string[]> {
  // The account is compared with a column: beside statistics of other accounts alone, an index by this
  // account looks as good as the key.
  return listIds(query, (transaction) =>
    transaction
      .selectFrom((from) =>
        from
          .selectFrom('raw.payload as p')
          .select(['p.partner_account_key', 'p.resource_id'])
          .select([
            fn.countAll<number>().as('looks'),
            sql<string>`max(p.observed_at)`.as('last_at'),
          ])
          .where(isUnanswered(look, 'p'))
          .groupBy(['p.partner_account_key', 'p.resource_id'])
          .as('missed'),
      )
      .select('missed.resource_id as id')
      .where('missed.looks', '<', looksMax)
      .where(isOfEarlierNight(look, 'missed.last_at'))
      .where((is) =>
        is.exists(
          is
            .selectFrom('dw.dim_referral as known')
            .whereRef('known.partner_account_key', '=', 'missed.partner_account_key')
            .whereRef('known.referral_id', '=', 'missed.resource_id')
            .where(({ ref }) => not(ref('known.is_missing')))
            .offset(sql.lit(0)),
        ),
      )
      .where(isShown(look, 'missed.resource_id'))
      .where(not(isListed(look, 'missed.resource_id')))
      .orderBy('id')
      .limit(limit),
  )
}

/**
 * Number of referrals that the principal sees as far as is known: shown once, and not missed since. It
 * holds once the presence of the run is landed.
 */
export async function countKnown(query: Kysely<Database>, look: Look): Promise<number> {
  const gone = countOf(missedIds(look).as('gone')).where(isShown(look, 'gone.resource_id'))
  return countOnce(query, sql`${shownCount(look)} - ${gone}`)
}

/**
 * Number that `countKnown` will return for the pages read so far, and the referrals that were
 * `notFound` by id; for a read of few referrals.
 */
export async function expectKnown(
  query: Kysely<Database>,
  look: Look,
  notFound: readonly string[],
): Promise<number> {
  const { account, runId } = look
  const fetched = selectFrom('stg.listed_referral')
    .distinct()
    .select('resource_id')
    .where('partner_account_key', '=', account)
    .where('run_id', '=', runId)
  const appeared = countOf(fetched.as('fetched')).where(not(isShown(look, 'fetched.resource_id')))
  const sought = sql<{ id: string }>`unnest(${notFound}::text[])`.as<'sought'>(sql`sought (id)`)
  const missed = missedIds(look).union(selectFrom(sought).select('id as resource_id'))
  const gone = countOf(missed.as('gone'))
    .where(isShown(look, 'gone.resource_id'))
    .where(not(isListed(look, 'gone.resource_id')))
  return countOnce(query, sql`${shownCount(look)} + ${appeared} - ${gone}`)
}

/** Those of the ids that `expectKnown` does not count: never shown to the principal, or missed since. */
export async function listUncounted(
  query: Kysely<Database>,
  look: Look,
  ids: readonly string[],
): Promise<string[]> {
  const fetched = sql<{ id: string }>`unnest(${ids}::text[])`.as<'fetched'>(sql`fetched (id)`)
  const missed = selectFrom('raw.payload as p')
    .where('p.resource_id', '=', sql.ref<string>('fetched.id'))
    .where(isUnanswered(look, 'p'))
    .offset(sql.lit(0))
  return listIds(query, (transaction) =>
    transaction
      .selectFrom(fetched)
      .distinct()
      .select('fetched.id')
      .where(not(isListed(look, 'fetched.id')))
      .where(or([not(isShown(look, 'fetched.id')), exists(missed)])),
  )
}

/**
 * Selects the known referrals that the principal was once shown, that the pages of the run did not
 * have, and for which this night's look is the first or the second; of those the `gone` ones, a
 * condition on `known`. Gives `referral_id` and the `latest_version_no` of its absences.
 */
export function absentReferrals(
  transaction: Transaction<Database>,
  look: Look,
  gone: Expression<SqlBool>,
) {
  const { account, principal } = look
  return transaction
    .with(
      (cte) => cte('absent').materialized(),
      (from) =>
        from
          .selectFrom('dw.dim_referral as known')
          .innerJoin('etl.principal_referral as shown', (join) =>
            join
              .onRef('shown.partner_account_key', '=', 'known.partner_account_key')
              .on('shown.principal', '=', principal)
              .onRef('shown.referral_id', '=', 'known.referral_id'),
          )
          .select('known.referral_id')
          .where('known.partner_account_key', '=', account)
          .where(not(isListed(look, 'known.referral_id')))
          .where(gone),
    )
    .selectFrom('absent')
    .crossJoinLateral((from) =>
      from
        .selectFrom('raw.payload as p')
        .select([
          sql<number>`coalesce(max(p.version_no), 0)`.as('latest_version_no'),
          fn.countAll<number>().filterWhere(isUnanswered(look, 'p')).as('unanswered'),
          sql<string | null>`max(p.observed_at) filter (where ${isUnanswered(look, 'p')})`.as(
            'last_at',
          ),
        ])
        .where('p.partner_account_key', '=', account)
        .where('p.resource_type', '=', 'referral_absence')
        .whereRef('p.resource_id', '=', 'absent.referral_id')
        .as('absences'),
    )
    .select(['absent.referral_id', 'absences.latest_version_no'])
    .where('absences.unanswered', '<', looksMax)
    .where((is) =>
      is.or([is('absences.last_at', 'is', null), isOfEarlierNight(look, 'absences.last_at')]),
    )
}

/** Expression: a page of the run had the referral, or a read by id. */
export function isListed({ account, runId }: Look, id: string) {
  return exists(
    selectFrom('stg.listed_referral as seen')
      .where('seen.partner_account_key', '=', account)
      .where('seen.run_id', '=', runId)
      .where('seen.resource_id', '=', sql.ref<string>(id)),
  )
}

/**
 * Expression: a payload or a return was observed after an absence. OFFSET keeps it a probe for each
 * absence, of which there are few; a join would read all payloads of the account.
 */
export function isSeenAfter(account: number, absence: string) {
  return exists(
    selectFrom('raw.payload as later')
      .where('later.partner_account_key', '=', account)
      .where('later.resource_type', 'in', ['referral', 'referral_presence'])
      .where('later.resource_id', '=', sql.ref<string>(`${absence}.resource_id`))
      .where('later.observed_at', '>', sql.ref<string>(`${absence}.observed_at`))
      .offset(sql.lit(0)),
  )
}

/** Expression: a row of `raw.payload` is an absence by this principal, and the referral is not back. */
function isUnanswered({ account, principal }: Look, absence: string) {
  const column = (name: string) => sql.ref(`${absence}.${name}`)
  return sql<boolean>`(${column('partner_account_key')} = ${account}
    and ${column('resource_type')} = 'referral_absence'
    and coalesce(${column('payload')} ->> 'principal', ${unknownPrincipal}) = ${principal}
    and ${not(isSeenAfter(account, absence))})`
}

/** Expression: the principal was once shown the referral; a probe, for few referrals. */
function isShown({ account, principal }: Look, id: string) {
  return exists(
    selectFrom('etl.principal_referral as earlier')
      .where('earlier.partner_account_key', '=', account)
      .where('earlier.principal', '=', principal)
      .where('earlier.referral_id', '=', sql.ref<string>(id))
      .offset(sql.lit(0)),
  )
}

function shownCount({ account, principal }: Look) {
  return selectFrom('etl.principal_referral')
    .select(fn.countAll<number>().as('referrals'))
    .where('partner_account_key', '=', account)
    .where('principal', '=', principal)
}

/** Selects the ids of the referrals that the principal missed since any was last shown them. */
function missedIds(look: Look) {
  return selectFrom('raw.payload as p')
    .distinct()
    .select('p.resource_id')
    .where(isUnanswered(look, 'p'))
}

function isOfEarlierNight({ observedAt }: Look, instant: string) {
  return sql<boolean>`${sql.ref(instant)}
    <= ${observedAt}::timestamptz - make_interval(hours => ${nightHours})`
}

function countOf<A extends string>(rows: AliasedExpression<{ resource_id: string }, A>) {
  return selectFrom(rows).select(fn.countAll<number>().as('referrals'))
}

async function countOnce(query: Kysely<Database>, count: RawBuilder<unknown>): Promise<number> {
  const counted = await askInBulk(query, (transaction) =>
    transaction.selectNoFrom(sql<number>`${count}`.as('known')).executeTakeFirstOrThrow(),
  )
  return counted.known
}

async function listIds(
  query: Kysely<Database>,
  ask: (transaction: Transaction<Database>) => { execute(): Promise<{ id: string }[]> },
): Promise<string[]> {
  const rows = await askInBulk(query, (transaction) => ask(transaction).execute())
  return rows.map(({ id }) => id)
}
