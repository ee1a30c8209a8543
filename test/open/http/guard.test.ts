import { describe, expect, test } from 'vitest'
import { type Asking, headers, refusalOf } from '../../../src/open/http/guard.ts'

const port = 8123
const token = 'aB3-xyz'
const own: Asking = {
  method: 'GET',
  path: `/${token}/data/choices?as_of=2026-06-30`,
  host: `127.0.0.1:${port}`,
  origin: undefined,
  site: undefined,
  mode: undefined,
}

describe('the guard of the page', () => {
  test.each<{ why: string; asked: Partial<Asking>; status: number | undefined }>([
    { why: 'the page itself is answered', asked: { site: 'same-origin' }, status: undefined },
    {
      why: 'a typed address is answered',
      asked: { site: 'none', mode: 'navigate' },
      status: undefined,
    },
    { why: 'a program without headers of a browser is answered', asked: {}, status: undefined },
    { why: 'localhost is answered', asked: { host: `localhost:${port}` }, status: undefined },
    {
      why: 'a link of another site leads to the page',
      asked: { site: 'cross-site', mode: 'navigate' },
      status: undefined,
    },
    {
      why: 'a name of others that leads here is refused',
      asked: { host: `evil.example.com:${port}` },
      status: 403,
    },
    { why: 'another port is refused', asked: { host: '127.0.0.1:80' }, status: 403 },
    { why: 'a request without a host is refused', asked: { host: undefined }, status: 403 },
    {
      why: 'a script of another site is refused',
      asked: { site: 'cross-site', mode: 'cors' },
      status: 403,
    },
    {
      why: 'an image of another site is refused',
      asked: { site: 'cross-site', mode: 'no-cors' },
      status: 403,
    },
    {
      why: 'another port of this machine is another site',
      asked: { site: 'same-site', mode: 'cors' },
      status: 403,
    },
    { why: 'another origin is refused', asked: { origin: 'https://example.com' }, status: 403 },
    { why: 'an opaque origin is refused', asked: { origin: 'null' }, status: 403 },
    {
      why: 'the origin of the other name is refused',
      asked: { origin: `http://localhost:${port}` },
      status: 403,
    },
    {
      why: 'the own origin is answered',
      asked: { origin: `http://127.0.0.1:${port}` },
      status: undefined,
    },
    { why: 'no token is nothing', asked: { path: '/' }, status: 404 },
    { why: 'a shorter token is nothing', asked: { path: '/aB3-xy/' }, status: 404 },
    { why: 'a longer token is nothing', asked: { path: '/aB3-xyz0/' }, status: 404 },
    { why: 'a token in another case is nothing', asked: { path: '/ab3-xyz/' }, status: 404 },
    { why: 'a token in another place is nothing', asked: { path: `/data/${token}` }, status: 404 },
    { why: 'POST is refused', asked: { method: 'POST' }, status: 405 },
    { why: 'HEAD is refused', asked: { method: 'HEAD' }, status: 405 },
    { why: 'POST without a token is nothing', asked: { method: 'POST', path: '/' }, status: 404 },
  ])('$why', ({ asked, status }) => {
    expect(refusalOf({ ...own, ...asked }, port, token)?.status).toBe(status)
  })

  test('the policy allows no inline script, no inline style and no other address', () => {
    const policy = headers['Content-Security-Policy'] ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/unsafe|nonce|https?:|data:|\*/)
  })
})
