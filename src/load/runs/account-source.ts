import { sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'

/** What tells the source of one account from that of another. */
export interface AccountSource {
  /** Origin of the API. */
  readonly apiUrl: string
  /** Tenant in lower case, an id or a domain; null when nothing names it. */
  readonly tenantId: string | null
  /** Organisation of the tenant; null when nothing names it. */
  readonly organizationId: string | null
}

/** An account of the warehouse and its source as far as it is recorded. */
export interface StoredAccount {
  readonly key: number
  readonly name: string
  /** Null where an earlier version loaded the account. */
  readonly apiUrl: string | null
  readonly tenantId: string | null
  readonly organizationId: string | null
  /** Tenant that a read has confirmed, which `tenantId` need not be. */
  readonly confirmedTenantId: string | null
  /** A referral of it was landed. */
  readonly isLoaded: boolean
}

/** Every account of the warehouse with its source, in key order. */
export async function listSources(query: Kysely<Database>): Promise<StoredAccount[]> {
  return query
    .selectFrom('dw.dim_partner_account as account')
    .leftJoin(
      'etl.account_source as source',
      'source.partner_account_key',
      'account.partner_account_key',
    )
    .select(({ exists, fn, selectFrom }) => [
      'account.partner_account_key as key',
      'account.account_code as name',
      'source.api_url as apiUrl',
      fn
        .coalesce('source.tenant_id', fn<string | null>('lower', ['account.tenant_id']))
        .as('tenantId'),
      'source.organization_id as organizationId',
      'source.tenant_id as confirmedTenantId',
      exists(
        selectFrom('raw.payload as landed').whereRef(
          'landed.partner_account_key',
          '=',
          'account.partner_account_key',
        ),
      )
        .$castTo<boolean>()
        .as('isLoaded'),
    ])
    .orderBy('account.partner_account_key')
    .execute()
}

/** Records the source of an account; writes nothing where it is recorded already. */
export async function recordSource(query: Kysely<Database>, key: number, source: AccountSource) {
  const known = 'etl.account_source'
  await query
    .insertInto(known)
    .columns(['partner_account_key', 'api_url', 'tenant_id', 'organization_id', 'recorded_at'])
    .expression((from) =>
      from
        .selectFrom('dw.dim_partner_account')
        .select(({ val }) => [
          'partner_account_key',
          val(source.apiUrl).as('api_url'),
          val(source.tenantId).as('tenant_id'),
          val(source.organizationId).as('organization_id'),
          sql`clock_timestamp()`.as('recorded_at'),
        ])
        .where('partner_account_key', '=', key)
        .orderBy('partner_account_key'),
    )
    .onConflict((on) =>
      on
        .column('partner_account_key')
        .doUpdateSet(({ fn, ref }) => ({
          api_url: ref('excluded.api_url'),
          tenant_id: fn.coalesce('excluded.tenant_id', `${known}.tenant_id`),
          organization_id: fn.coalesce('excluded.organization_id', `${known}.organization_id`),
          recorded_at: ref('excluded.recorded_at'),
        }))
        .where((is) =>
          is(
            is.refTuple(`${known}.api_url`, `${known}.tenant_id`, `${known}.organization_id`),
            'is distinct from',
            is.tuple(
              is.ref('excluded.api_url'),
              is.fn.coalesce('excluded.tenant_id', `${known}.tenant_id`),
              is.fn.coalesce('excluded.organization_id', `${known}.organization_id`),
            ),
          ),
        ),
    )
    .execute()
}

/** Organisation that most published referrals of an account name; null when none does. */
export async function readOrganization(
  query: Kysely<Database>,
  key: number,
): Promise<string | null> {
  const most = await query
    .selectFrom('dw.dim_referral')
    .select('organization_id')
    .where('partner_account_key', '=', key)
    .where('organization_id', 'is not', null)
    .groupBy('organization_id')
    .orderBy(sql`count(*)`, 'desc')
    .orderBy('organization_id')
    .limit(1)
    .executeTakeFirst()
  return most?.organization_id ?? null
}

/**
 * Returns true when two sources are known to be one. An address or an organisation counts only where
 * both are known; a tenant named by its domain equals no tenant named by its id.
 */
export function isSameSource(
  one: AccountSource,
  other: Pick<StoredAccount, 'apiUrl' | 'tenantId' | 'organizationId'>,
): boolean {
  if (one.tenantId === null || one.tenantId !== other.tenantId) return false
  if (other.apiUrl !== null && one.apiUrl !== other.apiUrl) return false
  const [mine, theirs] = [one.organizationId, other.organizationId]
  return mine === null || theirs === null || mine.toLowerCase() === theirs.toLowerCase()
}

/**
 * Returns the account that holds the source already. An account without a referral yields to one that
 * has some; otherwise the account that was entered first keeps the source.
 */
export function findHolder(
  accounts: readonly StoredAccount[],
  name: string,
  source: AccountSource,
): StoredAccount | undefined {
  const self = accounts.find((account) => account.name === name)
  const isLoaded = self?.isLoaded ?? false
  const holders = accounts.filter(
    (other) =>
      other.name !== name &&
      isSameSource(source, other) &&
      (other.isLoaded === isLoaded
        ? other.key < (self?.key ?? Number.POSITIVE_INFINITY)
        : other.isLoaded),
  )
  return holders.find((holder) => holder.isLoaded) ?? holders[0]
}

/** Share of referrals from which on two sources are one. */
export const sharedMin = 0.5

/**
 * Refuses an account whose source another account holds, and returns what is stored of it. Two
 * accounts of one tenant that were both loaded by an earlier version may be two locations of it:
 * their referrals decide. A new name must differ from every stored one in more than case, since both
 * would keep one token file.
 *
 * @throws CosellError `configuration` when the source is that of another account, or is no longer
 * the one that the account was loaded from.
 */
export async function checkSource(
  query: Kysely<Database>,
  name: string,
  source: AccountSource,
): Promise<StoredAccount | undefined> {
  const accounts = await listSources(query)
  const self = accounts.find((account) => account.name === name)
  const twin = accounts.find((account) => account.name.toLowerCase() === name.toLowerCase())
  if (self === undefined && twin !== undefined) throw sameName(name, twin.name)
  const confirmed = self?.isLoaded ? self.confirmedTenantId : null
  if (self !== undefined && isOtherTenant(confirmed, source.tenantId)) {
    throw otherTenant(self, source)
  }
  const holder = findHolder(accounts, name, source)
  if (holder === undefined) return self
  const areLoaded = self?.isLoaded === true && holder.isLoaded
  if (areLoaded && !(await shareReferrals(query, self.key, holder.key))) return self
  const what = `tenant ${source.tenantId} at ${source.apiUrl}`
  throw sameSource(name, holder.name, what, self !== undefined)
}

/** Returns true when both tenants are known by their ids and differ. */
function isOtherTenant(one: string | null, other: string | null): boolean {
  return one !== null && other !== null && one !== other && isTenantId(one) && isTenantId(other)
}

/** Whether a tenant is named by its id. Its domains are other names of it, which a token does not show. */
export function isTenantId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)
}

/** Returns true when at least half of the referrals of the smaller account are in the other too. */
async function shareReferrals(query: Kysely<Database>, one: number, other: number) {
  const countOf = (key: number) =>
    query
      .selectFrom('dw.dim_referral')
      .select(({ fn }) => fn.countAll<number>().as('referrals'))
      .where('partner_account_key', '=', key)
  const counted = query.selectNoFrom(({ fn, selectFrom }) => [
    selectFrom('dw.dim_referral as mine')
      .innerJoin('dw.dim_referral as theirs', (join) =>
        join
          .onRef('theirs.referral_id', '=', 'mine.referral_id')
          .on('theirs.partner_account_key', '=', other),
      )
      .select(fn.countAll<number>().as('referrals'))
      .where('mine.partner_account_key', '=', one)
      .$asScalar()
      .$notNull()
      .as('shared'),
    fn<number>('least', [countOf(one), countOf(other)]).as('smaller'),
  ])
  const { shared, smaller } = await counted.executeTakeFirstOrThrow()
  return shared > 0 && shared >= smaller * sharedMin
}

/**
 * Refuses a new account when at least half of the referrals of its first page were landed under
 * another one. Ids are unique to an organisation, since a partner who takes part in a deal has a
 * referral of its own; a lower share is left alone all the same.
 *
 * @throws CosellError `configuration` naming the other account.
 */
export async function checkReferralsAreNew(
  query: Kysely<Database>,
  name: string,
  referralIds: readonly string[],
): Promise<void> {
  const ids = [...new Set(referralIds)]
  if (ids.length === 0) return
  const most = await query
    .selectFrom('dw.dim_partner_account as account')
    .crossJoinLateral((of) =>
      of
        .selectFrom('raw.payload as known')
        .select(({ fn }) => fn.count<number>('known.resource_id').distinct().as('shared'))
        .whereRef('known.partner_account_key', '=', 'account.partner_account_key')
        .where('known.resource_type', 'in', ['referral', 'csv_row'])
        .where('known.resource_id', '=', sql<string>`any(${ids}::text[])`)
        .as('landed'),
    )
    .select(['account.account_code as name', 'landed.shared'])
    .where('account.account_code', '<>', name)
    .orderBy('landed.shared', 'desc')
    .orderBy('account.partner_account_key')
    .limit(1)
    .executeTakeFirst()
  if (most === undefined || most.shared === 0 || most.shared < ids.length * sharedMin) return
  const what = `${most.shared} of the ${ids.length} referrals of its first page`
  const isKnown = (await listSources(query)).some((account) => account.name === name)
  throw sameSource(name, most.name, what, isKnown)
}

/** The error of an account that would read what another one holds. */
export function sameSource(
  name: string,
  holder: string,
  what: string,
  isKnown: boolean,
): CosellError {
  const rename = isKnown
    ? ''
    : `, or run \`cosell account rename ${holder} ${name}\` to keep the new name`
  const text =
    `Account "${name}" would read what account "${holder}" holds already (${what}), and every ` +
    `figure would count twice; nothing was written. Set COSELL_ACCOUNT, or "account" in the ` +
    `accounts file, to ${holder}${rename}. Give COSELL_ORGANIZATION_ID for another organisation ` +
    'of the same tenant.'
  return new CosellError('account.same_source', text)
}

function sameName(name: string, stored: string): CosellError {
  const text =
    `Account "${name}" differs from account "${stored}" of the warehouse in upper and lower case ` +
    `alone; nothing was read. Set COSELL_ACCOUNT, or "account" in the accounts file, to ${stored}.`
  return new CosellError('account.same_source', text)
}

function otherTenant({ name, confirmedTenantId }: StoredAccount, source: AccountSource) {
  const text =
    `Account "${name}" was loaded from tenant ${confirmedTenantId}, and the settings sign in to ` +
    `tenant ${source.tenantId}; nothing was read. Set COSELL_TENANT_ID back, or give the other ` +
    'tenant an account name of its own (COSELL_ACCOUNT).'
  return new CosellError('account.other_tenant', text)
}
