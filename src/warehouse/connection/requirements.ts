import type { ErrorCode } from '../../error-codes.ts'
import { CosellError } from '../../errors.ts'
import type { SessionAttributes } from './address.ts'
import type { SessionFacts } from './session.ts'

/** 15 brought `security_invoker`, which keeps row-level security in force behind the views. */
const serverVersionMin = 15

/** What a session lacks, and what to do about it. */
export interface Lack {
  readonly code: ErrorCode
  readonly detail: string
  readonly remedy: string
}

/** Returns what the server's version lacks. */
export function lackOfVersion({
  version,
  version_number,
}: Pick<SessionFacts, 'version' | 'version_number'>): Lack | undefined {
  if (version_number >= serverVersionMin * 10_000) return undefined
  return {
    code: 'migrate.server_too_old',
    detail: `expected PostgreSQL ${serverVersionMin} or newer, got ${version}`,
    remedy: 'Upgrade the server, or unset COSELL_DATABASE_URL to use the embedded one.',
  }
}

/** Returns what the encodings lack; text of SQL_ASCII would not be checked at all. */
export function lackOfEncoding({
  server_encoding,
  client_encoding,
  database,
}: Pick<SessionFacts, 'server_encoding' | 'client_encoding' | 'database'>): Lack | undefined {
  const code = 'database.encoding'
  if (server_encoding !== 'UTF8') {
    return {
      code,
      detail: `expected UTF8, got ${server_encoding}: names in other scripts cannot be stored`,
      remedy:
        `Create another database (create database … encoding 'UTF8' template template0) and name it in ` +
        `COSELL_DATABASE_URL instead of "${database}".`,
    }
  }
  if (client_encoding === 'UTF8') return undefined
  return {
    code,
    detail: `expected client_encoding UTF8, got ${client_encoding}`,
    remedy: 'A connection pooler changes it: name the server itself in COSELL_DATABASE_URL.',
  }
}

const utcNames = /^(Etc\/)?(UTC|UCT|Zulu|Universal)$/i

/** Returns what the settings of the session lack, though they were just made. */
export function lackOfSession({
  time_zone,
  date_style,
  interval_style,
  standard_conforming_strings,
}: Pick<
  SessionFacts,
  'time_zone' | 'date_style' | 'interval_style' | 'standard_conforming_strings'
>): Lack | undefined {
  const isOurs = utcNames.test(time_zone) && date_style.startsWith('ISO')
  if (isOurs && interval_style === 'iso_8601' && standard_conforming_strings === 'on')
    return undefined
  return {
    code: 'database.session',
    detail:
      'expected TimeZone UTC, DateStyle ISO, IntervalStyle iso_8601, standard_conforming_strings on, got ' +
      `${time_zone}, ${date_style}, ${interval_style}, ${standard_conforming_strings}`,
    remedy:
      'A connection pooler between cosell and PostgreSQL undoes settings: let it pool sessions or ' +
      'transactions, or name the port of the server itself in COSELL_DATABASE_URL.',
  }
}

/** Returns what is in the way of writing. */
export function lackOfWriting({
  is_in_recovery,
  is_read_only,
  role,
}: Pick<SessionFacts, 'is_in_recovery' | 'is_read_only' | 'role'>): Lack | undefined {
  if (!is_in_recovery && !is_read_only) return undefined
  const code = 'database.read_only'
  if (is_in_recovery) {
    return {
      code,
      detail: 'the server is a standby and can only be read',
      remedy: 'Name the primary in COSELL_DATABASE_URL; during a failover, wait until it is over.',
    }
  }
  return {
    code,
    detail: 'transactions are read only',
    remedy:
      'Name a login that loads, not the one for BI tools, or let the administrator take back ' +
      `default_transaction_read_only of role "${role}" or of the database.`,
  }
}

/** Returns what the server lacks of `target_session_attrs`. */
function lackOfAttributes(
  { is_in_recovery, is_read_only }: Pick<SessionFacts, 'is_in_recovery' | 'is_read_only'>,
  wanted: SessionAttributes,
): Lack | undefined {
  const isReadOnly = is_in_recovery || is_read_only
  const isMet = {
    any: true,
    'prefer-standby': true,
    'read-write': !isReadOnly,
    'read-only': isReadOnly,
    primary: !is_in_recovery,
    standby: is_in_recovery,
  }[wanted]
  if (isMet) return undefined
  const got = is_in_recovery
    ? 'a standby'
    : `a primary that ${is_read_only ? 'is read-only' : 'accepts writing'}`
  return {
    code: 'database.session',
    detail: `expected a server with target_session_attrs=${wanted}, got ${got}`,
    remedy: 'Name another server in COSELL_DATABASE_URL, or take target_session_attrs out.',
  }
}

/**
 * Checks what every command rests on, before anything else is read.
 *
 * @throws CosellError `configuration` with the first thing that is lacking.
 */
export function requireSession(facts: SessionFacts, wanted: SessionAttributes, place: string) {
  const lack =
    lackOfVersion(facts) ??
    lackOfEncoding(facts) ??
    lackOfSession(facts) ??
    lackOfAttributes(facts, wanted)
  if (lack !== undefined) throw failureOf(lack, place)
}

/** @throws CosellError `configuration` when the session cannot write. */
export function requireWriting(facts: SessionFacts, place: string) {
  const lack = lackOfWriting(facts)
  if (lack !== undefined) throw failureOf(lack, place)
}

function failureOf({ code, detail, remedy }: Lack, place: string): CosellError {
  return new CosellError(code, `PostgreSQL at ${place}: ${detail}. ${remedy}`)
}
