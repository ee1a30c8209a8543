import { expect, test } from 'vitest'
import { connectionFailure } from '../../../src/warehouse/connection/failures.ts'

const clear = {
  place: 'db.example.com:5432/sales',
  host: 'db.example.com',
  isEncrypted: false,
  hasPassword: true,
}
const encrypted = { ...clear, isEncrypted: true }

// Texts as the servers send them: PostgreSQL 15 to 18, PgBouncer 1.18 and Node.js 20.
test.each([
  {
    error: ['ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1'],
    code: 'database.unreachable',
    says: /cannot connect.*Start the server/,
  },
  { error: ['ECONNRESET', 'read ECONNRESET'], code: 'database.unreachable' },
  { error: ['ETIMEDOUT', 'connect ETIMEDOUT'], code: 'database.unreachable' },
  { error: ['EAI_AGAIN', 'getaddrinfo EAI_AGAIN db'], code: 'database.unreachable' },
  { error: ['none', 'Connection terminated unexpectedly'], code: 'database.unreachable' },
  { error: ['53300', 'sorry, too many clients already'], code: 'database.unreachable' },
  { error: ['53300', 'too many connections for role "loader"'], code: 'database.unreachable' },
  { error: ['57P03', 'the database system is starting up'], code: 'database.unreachable' },
  { error: ['57P01', 'terminating connection'], code: 'database.unreachable' },
  {
    error: ['08P01', 'no more connections allowed (max_client_conn)'],
    code: 'database.unreachable',
  },
  { error: ['08P01', 'query_wait_timeout'], code: 'database.unreachable' },
  { error: ['08P01', 'server login failed: FATAL no such user'], code: 'database.unreachable' },
  {
    error: ['ENOTFOUND', 'getaddrinfo ENOTFOUND db.example.com'],
    code: 'database.no_host',
    says: /no host has the name "db\.example\.com"/,
  },
  {
    error: ['28P01', 'password authentication failed for user "loader"'],
    code: 'database.refused',
    says: /Check COSELL_DATABASE_URL/,
  },
  {
    error: [
      '28000',
      'no pg_hba.conf entry for host "1.2.3.4", user "u", database "d", no encryption',
    ],
    code: 'database.refused',
    says: /sslmode=verify-full/,
  },
  {
    attempt: encrypted,
    error: [
      '28000',
      'no pg_hba.conf entry for host "1.2.3.4", user "u", database "d", SSL encryption',
    ],
    code: 'database.refused',
    says: /administrator add a line/,
  },
  {
    attempt: encrypted,
    error: ['28000', 'connection requires a valid client certificate'],
    code: 'database.refused',
    says: /sslcert and sslkey/,
  },
  {
    error: ['3D000', 'database "sales" does not exist'],
    code: 'database.refused',
    says: /Create the database/,
  },
  {
    attempt: { ...clear, hasPassword: false },
    error: ['none', 'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'],
    code: 'database.refused',
    says: /holds no password/,
  },
  {
    error: ['55000', 'database "sales" is not currently accepting connections'],
    code: 'database.refused',
  },
  { error: ['42501', 'permission denied for database "sales"'], code: 'database.refused' },
  {
    error: ['42704', 'unrecognized configuration parameter "foo"'],
    code: 'database.address',
    says: /Correct "options"/,
  },
  {
    error: ['08P01', 'unsupported startup parameter: options'],
    code: 'database.pooler',
    says: /"options".*ignore_startup_parameters.*port of the server itself/,
  },
  {
    error: ['08P01', 'unsupported startup parameter in options: array_nulls'],
    code: 'database.pooler',
    says: /"array_nulls"/,
  },
  {
    error: ['08P01', 'transaction blocks not allowed in statement pooling mode'],
    code: 'database.pooler',
    says: /pool_mode.*port of the server itself/,
  },
  { error: ['08P01', 'database "nono" does not exist'], code: 'database.refused' },
  { error: ['08P01', '"trust" authentication failed'], code: 'database.refused' },
  {
    attempt: encrypted,
    error: ['none', 'The server does not support SSL connections'],
    code: 'database.tls',
    says: /offers no TLS.*sslmode=disable/,
  },
  {
    attempt: encrypted,
    error: ['SELF_SIGNED_CERT_IN_CHAIN', 'self-signed certificate in certificate chain'],
    code: 'database.tls',
    says: /not trusted.*sslrootcert.*NODE_EXTRA_CA_CERTS.*--use-system-ca/,
  },
  {
    attempt: encrypted,
    error: ['CERT_HAS_EXPIRED', 'certificate has expired'],
    code: 'database.tls',
    says: /not valid today.*renew/,
  },
  {
    attempt: encrypted,
    error: ['ERR_TLS_CERT_ALTNAME_INVALID', "Hostname/IP does not match certificate's altnames"],
    code: 'database.tls',
    says: /another host.*verify-ca/,
  },
  {
    attempt: encrypted,
    error: ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'tlsv13 alert certificate required'],
    code: 'database.tls',
    says: /sslcert and sslkey/,
  },
])(
  'connectionFailure: $error is $code',
  ({ attempt = clear, error: [code, text], code: expected, says = /./ }) => {
    const error = new Error(text)
    if (code !== 'none') Object.assign(error, { code })
    const failure = connectionFailure(attempt, error)
    expect(failure).toMatchObject({
      code: expected,
      exitCode: expected === 'database.unreachable' ? 75 : 78,
    })
    expect(failure.message).toMatch(/^PostgreSQL at db\.example\.com:5432\/sales: /)
    expect(failure.message).toMatch(says)
  },
)

test('connectionFailure: a standby without reads is final, a server that starts up is not', () => {
  const error = (detail: string) =>
    Object.assign(new Error('the database system is not accepting connections'), {
      code: '57P03',
      detail,
    })
  const off = connectionFailure(clear, error('Hot standby mode is disabled.'))
  expect(off).toMatchObject({ code: 'database.read_only', exitCode: 78 })
  const late = connectionFailure(
    clear,
    error('Consistent recovery state has not been yet reached.'),
  )
  expect(late).toMatchObject({ code: 'database.unreachable', exitCode: 75 })
})
