import { type Kysely, sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import type { Logger } from '../../log.ts'
import { groups } from '../access/roles.ts'
import { openDatabase, type Warehouse } from '../connection/database.ts'
import type { OpenWarehouse } from '../open.ts'
import type { Database } from '../tables.generated.ts'
import { type LoginRights, readLoginRights } from './login-rights.ts'
import { type ReadLimits, readSnapshot } from './read-snapshot.ts'

/** Longest time of a statement, where the caller gives none. */
const defaultTimeoutMs = 30_000

/** Limits of a connection for SQL of others. */
interface ConnectOptions {
  readonly receivedBytesMax: number
  /** Longest time without traffic. */
  readonly silentMsMax: number
}

/** Reads the marts, and has no way to write. */
export interface Reader {
  /**
   * Runs statements of our own in one read-only transaction, a snapshot, as the reader. Each statement
   * is ended by the server after `timeoutMs`, 30 seconds where it is left out.
   */
  read<T>(use: (query: Kysely<Database>) => Promise<T>, limits?: ReadLimits): Promise<T>
  /**
   * Connects as a login that reads marts and nothing else, in which SQL of others may run. What
   * comes back is one connection for one statement: closing it ends whatever it left behind.
   *
   * @throws CosellError `reader.no_login` when no such login is known.
   */
  connect(options: ConnectOptions): Promise<Warehouse>
  /** Closes connections that were opened for reading; the warehouse stays open. */
  close(): Promise<void>
}

/**
 * Opens the reader of a warehouse: the login for BI tools of the embedded server, the login of
 * `readerUrl`, or the login of the warehouse itself. Where that one may do more, there is no login for
 * SQL of others, and statements of our own run with the rights of `cosell_bi` if it is in that group.
 *
 * @throws CosellError `reader.too_powerful` when the login of `readerUrl` may do more than read,
 * `reader.other_database` when it reads another warehouse, `reader.no_rights` when a login may not
 * read the marts.
 */
export async function openReader(
  warehouse: OpenWarehouse,
  { databaseUrl, readerDatabaseUrl: readerUrl }: ReaderAddresses,
  logger?: Logger,
): Promise<Reader> {
  const { query, embedded } = warehouse
  const ownUrl = embedded === undefined ? readerUrl : await embedded.biUrl(query)
  if (ownUrl === undefined) {
    const rights = await readLoginRights(query)
    const isLogin = rights.beyondReading.length === 0
    const role = !isLogin && rights.mayBecomeReader ? groups.bi : undefined
    if (role === undefined && !rights.isReader) throw noRights(rights)
    const url = isLogin ? databaseUrl : undefined
    return {
      read: (use, limits) => readAs(query, role, use, limits),
      connect: (options) => {
        if (url === undefined) throw noLogin(rights)
        return openDatabase(url, undefined, options)
      },
      close: async () => undefined,
    }
  }
  const opened = await naming(readerUrl, openDatabase(ownUrl, logger))
  try {
    const rights = await readLoginRights(opened.query)
    if (rights.beyondReading.length > 0) throw tooPowerful(rights)
    if (!rights.isReader) throw noRights(rights)
    if (embedded === undefined) await requireSameDatabase(query, opened.query)
  } catch (error) {
    await opened.close()
    throw error
  }
  return {
    read: (use, limits) => readAs(opened.query, undefined, use, limits),
    connect: (options) => openDatabase(ownUrl, undefined, options),
    close: opened.close,
  }
}

/**
 * Refuses a reader of another warehouse: the same keys are other referrals there. A standby has the
 * identity of its primary.
 */
async function requireSameDatabase(program: Kysely<Database>, reader: Kysely<Database>) {
  const [one, other] = [await readIdentity(program), await readIdentity(reader)]
  const areOfOneServer = one.server === null || other.server === null || one.server === other.server
  if (areOfOneServer && one.database === other.database) return
  throw otherDatabase(one, other)
}

interface Identity {
  /** Number that the server got when it was made; null where the login may not ask for it. */
  readonly server: string | null
  /** Number of the database in the server. */
  readonly database: number
  readonly name: string
}

async function readIdentity(query: Kysely<Database>): Promise<Identity> {
  const { rows } = await sql<Identity>`
    select
      case
        when has_function_privilege('pg_catalog.pg_control_system()', 'execute')
          then (select system_identifier::text from pg_catalog.pg_control_system())
      end as server,
      oid::bigint as database,
      datname::text as name
    from pg_catalog.pg_database
    where datname = current_database()`.execute(query)
  const [identity] = rows
  if (identity === undefined) throw new Error('the database is not among those of its server')
  return identity
}

/** Addresses of the configuration. */
export interface ReaderAddresses {
  readonly databaseUrl: string | undefined
  readonly readerDatabaseUrl: string | undefined
}

function readAs<T>(
  query: Kysely<Database>,
  role: string | undefined,
  use: (query: Kysely<Database>) => Promise<T>,
  limits: ReadLimits = {},
): Promise<T> {
  return readSnapshot(query, { timeoutMs: defaultTimeoutMs, ...limits, role }, use)
}

/** Failures of a connection name the setting that the address comes from. */
async function naming<T>(readerUrl: string | undefined, opening: Promise<T>): Promise<T> {
  try {
    return await opening
  } catch (error) {
    if (readerUrl === undefined || !(error instanceof CosellError)) throw error
    const text = error.message.replaceAll('COSELL_DATABASE_URL', 'COSELL_READER_DATABASE_URL')
    throw new CosellError(error.code, text, { cause: error })
  }
}

const howToMake =
  "Let an administrator make one (create role report_reader login password '…' in role cosell_bi) " +
  'and set COSELL_READER_DATABASE_URL to its address.'

/** A superuser may do everything. */
const listedMax = 3

function listed(rights: readonly string[]): string {
  const more = rights.length - listedMax
  return [...rights.slice(0, listedMax), ...(more > 0 ? [`and ${more} more`] : [])].join(', ')
}

function noLogin({ role, beyondReading }: LoginRights): CosellError {
  const text =
    `SQL of others: expected a login that does no more in the schemas of cosell than read dw and mart, ` +
    `got ${role} (${listed(beyondReading)}). ${howToMake}`
  return new CosellError('reader.no_login', text)
}

function tooPowerful({ role, beyondReading }: LoginRights): CosellError {
  const text =
    'COSELL_READER_DATABASE_URL: expected a login that does no more in the schemas of cosell than read dw and ' +
    `mart, got ${role} (${listed(beyondReading)}). ${howToMake}`
  return new CosellError('reader.too_powerful', text)
}

function otherDatabase(program: Identity, reader: Identity): CosellError {
  const servers = program.name === reader.name ? ', of another server' : ''
  const text =
    `COSELL_READER_DATABASE_URL: expected the database of COSELL_DATABASE_URL, ${program.name}, or a standby ` +
    `of it, got ${reader.name}${servers}. Set both to one warehouse.`
  return new CosellError('reader.other_database', text)
}

function noRights({ role }: LoginRights): CosellError {
  const text =
    `Role ${role}: expected a login that may read the marts, got one that may not. Grant it ` +
    `${groups.bi} (grant ${groups.bi} to "${role}"), or set COSELL_READER_DATABASE_URL to a login that has it.`
  return new CosellError('reader.no_rights', text)
}
