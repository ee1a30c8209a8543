import type { ErrorCode } from '../../error-codes.ts'
import { CosellError } from '../../errors.ts'

/** Returns a failed statement as a failure of the run: temporary, of the configuration, or a bug. */
export function databaseFailure(error: unknown): CosellError {
  if (error instanceof CosellError) return error
  const code = codeOf(error)
  const reason = reasonOf(error)
  const failed = (errorCode: ErrorCode, text: string) =>
    new CosellError(errorCode, text, { cause: error })
  if (code === '42501') {
    const remedy = 'Grant the right to the user of COSELL_DATABASE_URL.'
    return failed('database.forbidden', `The database denied a statement: ${reason}. ${remedy}`)
  }
  if (isRejection(code)) {
    const remedy = 'Check COSELL_DATABASE_URL.'
    return failed('database.refused', `PostgreSQL rejected a connection: ${reason}. ${remedy}`)
  }
  if (isCertificateCode(code)) {
    const remedy = 'Renew the certificate, or correct sslrootcert in COSELL_DATABASE_URL.'
    return failed('database.tls', `No secure connection to PostgreSQL: ${reason}. ${remedy}`)
  }
  if (isTransient(code) || isDropped(error)) {
    const text = `The database could not finish (${code}: ${reason}). No partial result is visible; run again.`
    return failed('database.unavailable', text)
  }
  return failed('database.statement', `Unexpected database error ${code}: ${reason}`)
}

/** Lost connections, restarts, locks, serialization, full disks. */
function isTransient(code: string): boolean {
  return /^(08|40|53|55|57|58)\w{3}$|^25006$|^E[A-Z]+$/.test(code)
}

/** pg reports a dropped connection by a bare Error without a code; a bug of ours has no code either. */
export function isDropped(error: unknown): boolean {
  if (!(error instanceof Error) || 'code' in error) return false
  return /connection|timeout|terminated/i.test(error.message)
}

/** SQLSTATE or system error; `none` when a dropped connection carries neither. */
export function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'none'
}

/** What is known of a connection that failed before its first statement. */
export interface ConnectionAttempt {
  /** Host, port and database. */
  readonly place: string
  readonly host: string
  readonly isEncrypted: boolean
  readonly hasPassword: boolean
}

/** Cause of a failed connection in words, and what to do. */
interface Diagnosis {
  readonly code: ErrorCode
  readonly cause: string
  readonly remedy: string
}

/**
 * Returns a failed connection as a failure of the run: `configuration` where the server, the pooler
 * or the resolver answered and will answer the same again, else `tryAgainLater`.
 */
export function connectionFailure(attempt: ConnectionAttempt, error: unknown): CosellError {
  if (error instanceof CosellError) return error
  const { code, cause, remedy } =
    diagnoseTls(attempt, error) ??
    diagnoseAnswer(attempt, error) ??
    diagnosePooler(error) ??
    diagnoseNetwork(attempt, error)
  return new CosellError(code, `PostgreSQL at ${attempt.place}: ${cause}. ${remedy}`, {
    cause: error,
  })
}

const certificateCodes = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_SIGNATURE_FAILURE',
  'CERT_CHAIN_TOO_LONG',
  'PATH_LENGTH_EXCEEDED',
  'HOSTNAME_MISMATCH',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])

function isCertificateCode(code: string): boolean {
  return certificateCodes.has(code) || /^ERR_(SSL|OSSL|TLS)_/.test(code)
}

function diagnoseTls({ isEncrypted }: ConnectionAttempt, error: unknown): Diagnosis | undefined {
  const code = codeOf(error)
  const reason = reasonOf(error)
  const failed = (cause: string, remedy: string) =>
    ({ code: 'database.tls', cause, remedy }) as const
  if (reason === 'The server does not support SSL connections') {
    const remedy =
      'Let the server have a certificate (ssl = on). In a network that you trust, set sslmode=disable ' +
      'in COSELL_DATABASE_URL.'
    return failed('the server offers no TLS, and the address asks for it', remedy)
  }
  if (/^channel binding/.test(reason)) {
    return failed(reason, 'Set channel_binding=prefer, or let the server offer SCRAM over TLS.')
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    const remedy = 'Let the administrator renew it; check the clock of this machine too.'
    return failed(`the certificate is not valid today (${code}: ${reason})`, remedy)
  }
  if (code === 'HOSTNAME_MISMATCH' || code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const remedy =
      'Use a name of the certificate in COSELL_DATABASE_URL. With a private authority in sslrootcert, ' +
      'sslmode=verify-ca leaves the name out.'
    return failed(`the certificate is for another host (${reason})`, remedy)
  }
  if (certificateCodes.has(code)) {
    const remedy =
      'Name the file of the authority that signed it by sslrootcert in COSELL_DATABASE_URL, or in ' +
      'NODE_EXTRA_CA_CERTS; the system trusts it with --use-system-ca of Node.js.'
    return failed(`the certificate is not trusted (${code}: ${reason})`, remedy)
  }
  if (!isEncrypted || !isCertificateCode(code)) return undefined
  const remedy = /CERTIFICATE|UNKNOWN_CA/.test(code)
    ? 'Name a client certificate that the server accepts by sslcert and sslkey in COSELL_DATABASE_URL.'
    : 'Check that the server speaks TLS 1.2 or newer, and sslmode in COSELL_DATABASE_URL.'
  return failed(`the TLS handshake failed (${code}: ${reason})`, remedy)
}

/** Authentication, missing databases, databases closed to connections. */
function isRejection(code: string): boolean {
  return /^28\w{3}$|^3D000$/.test(code)
}

/** An answer of PostgreSQL to the start of a connection. */
function diagnoseAnswer(attempt: ConnectionAttempt, error: unknown): Diagnosis | undefined {
  const code = codeOf(error)
  const reason = reasonOf(error)
  const refused = (remedy: string) =>
    ({ code: 'database.refused', cause: `rejected the connection: ${reason}`, remedy }) as const
  if (/no pg_hba\.conf entry/.test(reason)) return refused(remedyOfHba(attempt, reason))
  if (/client certificate/.test(reason)) {
    return refused('Name one by sslcert and sslkey in COSELL_DATABASE_URL.')
  }
  if (code === '3D000') {
    return refused('Create the database, or correct its name in COSELL_DATABASE_URL.')
  }
  if (isRejection(code) || /^SASL/.test(reason) || code === '0A000' || code === '55000') {
    const remedy =
      attempt.hasPassword || !/password/.test(reason)
        ? 'Check COSELL_DATABASE_URL.'
        : 'Check COSELL_DATABASE_URL; it holds no password, nor do PGPASSWORD and ~/.pgpass.'
    return refused(remedy)
  }
  if (code === '42501') {
    return refused(
      'Let the administrator grant CONNECT on the database. Check COSELL_DATABASE_URL.',
    )
  }
  if (/^(22|42)\w{3}$|^55P02$/.test(code)) {
    const cause = `the server does not take the options of the address: ${reason}`
    return { code: 'database.address', cause, remedy: 'Correct "options" in COSELL_DATABASE_URL.' }
  }
  if (code === '57P03' && /not accepting connections/.test(reason)) {
    const detail = error instanceof Error && 'detail' in error ? String(error.detail) : ''
    if (!/hot standby/i.test(detail)) return undefined
    const remedy = 'Name the primary in COSELL_DATABASE_URL.'
    return { code: 'database.read_only', cause: 'the server is a standby without reads', remedy }
  }
  return undefined
}

function remedyOfHba({ isEncrypted }: ConnectionAttempt, reason: string): string {
  if (!isEncrypted && /no encryption|SSL off/.test(reason)) {
    return (
      'The server may take encrypted connections only: set sslmode=verify-full in COSELL_DATABASE_URL. ' +
      'Else let the administrator add a line to pg_hba.conf.'
    )
  }
  return 'Let the administrator add a line for this machine, user and database to pg_hba.conf.'
}

/** Poolers answer with the class of protocol errors, whatever it is; only the text says more. */
function diagnosePooler(error: unknown): Diagnosis | undefined {
  if (codeOf(error) !== '08P01') return undefined
  const reason = reasonOf(error)
  const direct = 'or name the port of the server itself in COSELL_DATABASE_URL'
  const parameter = /unsupported startup parameter(?: in options)?: (.+)/.exec(reason)?.[1]
  if (parameter !== undefined) {
    return {
      code: 'database.pooler',
      cause: `a connection pooler rejected the start-up parameter "${parameter}" (${reason})`,
      remedy: `Take it out of COSELL_DATABASE_URL, let ignore_startup_parameters of the pooler name it, ${direct}.`,
    }
  }
  if (/statement pooling mode/.test(reason)) {
    return {
      code: 'database.pooler',
      cause: `a connection pooler accepts no transactions (${reason})`,
      remedy: `Set pool_mode of the pooler to transaction or session, ${direct}.`,
    }
  }
  const isFinal =
    /no such (database|user)|does not exist|auth|password|SASL|TLS|SSL|not allowed|disabled/i.test(
      reason,
    )
  if (!isFinal || /server login|pgbouncer cannot connect/i.test(reason)) return undefined
  const remedy = 'Check COSELL_DATABASE_URL, and the users and databases of the pooler.'
  return { code: 'database.refused', cause: `rejected the connection: ${reason}`, remedy }
}

function diagnoseNetwork({ host }: ConnectionAttempt, error: unknown): Diagnosis {
  const code = codeOf(error)
  if (code === 'ENOTFOUND') {
    // A resolver that cannot be asked gives EAI_AGAIN; this is its answer.
    return {
      code: 'database.no_host',
      cause: `no host has the name "${host}"`,
      remedy: 'Correct the host in COSELL_DATABASE_URL.',
    }
  }
  const reason = reasonOf(error) === '' ? code : reasonOf(error)
  return {
    code: 'database.unreachable',
    cause: `cannot connect (${reason})`,
    remedy: 'Start the server or fix COSELL_DATABASE_URL, then run again.',
  }
}

/** Message of an error; the one of the first address where all addresses of a host failed. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return reasonOf(error.errors[0])
  return error instanceof Error ? error.message : String(error)
}
