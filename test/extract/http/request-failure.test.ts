import { describe, expect, test } from 'vitest'
import { requestFailureOf } from '../../../src/extract/http/request-failure.ts'

const withCode = (code: string, cause?: unknown) =>
  Object.assign(new Error('canary of https://user@example.com', { cause }), { code })

describe('what an error of the connection means', () => {
  test.each<[string, string, string | RegExp]>([
    ['ENOTFOUND', 'unreachable', 'no such host'],
    ['EAI_AGAIN', 'interrupted', 'no answer from the name service'],
    ['ECONNREFUSED', 'unreachable', 'a refused connection'],
    ['EHOSTUNREACH', 'unreachable', 'no route to the host'],
    ['ENETUNREACH', 'unreachable', 'no network'],
    ['ECONNRESET', 'interrupted', 'a reset connection'],
    ['ETIMEDOUT', 'interrupted', 'ETIMEDOUT'],
    ['EPIPE', 'interrupted', 'EPIPE'],
    ['UND_ERR_SOCKET', 'interrupted', 'a connection closed too early'],
    ['UND_ERR_CONNECT_TIMEOUT', 'interrupted', 'no connection in time'],
    ['ERR_TLS_HANDSHAKE_TIMEOUT', 'interrupted', 'ERR_TLS_HANDSHAKE_TIMEOUT'],
    ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 'interrupted', 'ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR'],
    ['ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC', 'interrupted', /BAD_RECORD_MAC/],
    ['UND_ERR_HEADERS_OVERFLOW', 'unusable', 'headers without end'],
    ['CERT_HAS_EXPIRED', 'identity', /has expired \(CERT_HAS_EXPIRED\)/],
    ['CERT_NOT_YET_VALID', 'identity', /not valid yet/],
    ['CERT_REVOKED', 'identity', /handshake \(CERT_REVOKED\)/],
    ['INVALID_PURPOSE', 'identity', /handshake \(INVALID_PURPOSE\)/],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'identity', /issuer that Node.js does not know/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'identity', /issuer that Node.js does not know/],
    ['HOSTNAME_MISMATCH', 'identity', /another host/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'identity', /not TLS/],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'identity', /failed TLS handshake/],
    ['EPROTO', 'identity', /not TLS/],
  ])('requestFailureOf: %s is %s', (code, kind, got) =>
    expect(requestFailureOf(withCode(code))).toEqual({
      reason: {
        kind,
        ...(kind === 'unusable' ? { form: 'notJson' } : {}),
        ...(kind === 'identity' ? { code } : {}),
      },
      got: expect.stringMatching(got),
    }),
  )
  test('requestFailureOf takes the first of several addresses', () =>
    expect(requestFailureOf(new AggregateError([withCode('ECONNREFUSED')]))).toMatchObject({
      reason: { kind: 'unreachable' },
    }))
  test('requestFailureOf takes the cause of an error', () =>
    expect(
      requestFailureOf(new TypeError('failed', { cause: withCode('ECONNRESET') })),
    ).toMatchObject({
      reason: { kind: 'interrupted' },
    }))
  test('requestFailureOf returns null for an error of our own', () => {
    expect(requestFailureOf(new TypeError('x is undefined'))).toBeNull()
    expect(requestFailureOf(withCode('ERR_INVALID_ARG_TYPE'))).toBeNull()
  })
})
