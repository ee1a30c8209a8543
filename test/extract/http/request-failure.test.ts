import { describe, expect, test } from 'vitest'
import { requestFailureOf } from '../../../src/extract/http/request-failure.ts'

const withCode = (code: string, cause?: unknown) =>
  Object.assign(new Error('canary of https://user@example.com', { cause }), { code })

describe('what an error of the connection means', () => {
  test.each([
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
    ['UND_ERR_HEADERS_OVERFLOW', 'unusable', 'headers without end'],
    ['CERT_HAS_EXPIRED', 'identity', 'a failed TLS handshake (CERT_HAS_EXPIRED)'],
    ['EPROTO', 'identity', 'a failed TLS handshake (EPROTO)'],
  ])('requestFailureOf: %s is %s', (code, kind, got) =>
    expect(requestFailureOf(withCode(code))).toEqual({ reason: { kind }, got }),
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
