import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { CosellError } from '../../../src/errors.ts'
import { type Reply, withServer } from '../../support/scripted-server.ts'
import { aReferral, firstPage, longTimeouts, withApi } from '../support.ts'

const page = { value: [aReferral('a')] }
const text = JSON.stringify(page)
const html = { 'content-type': 'text/html; charset=utf-8' }

type Contact = 'first contact' | 'earlier run' | 'this run'

/** Reads a page from a server that gives `bad` answers `times` in a row, then good ones. */
function readAfter(contact: Contact, bad: Reply, times: number) {
  const before = contact === 'this run' ? 1 : 0
  return withServer(
    (_, index) => (index >= before && index < before + times ? bad : { body: page }),
    (server) => {
      const knownOrigins = contact === 'earlier run' ? [server.url] : []
      return withApi(server.url, { knownOrigins, timeouts: longTimeouts }, async (api) => {
        if (before > 0) await api.getPage(firstPage)
        const result = await api.getPage(firstPage).catch((error: CosellError) => error)
        return { result, tries: server.requests.length - before, answered: api.answered() }
      })
    },
  )
}

const unusable = [69, 'api.unusable_answer'] as const
const unavailable = [75, 'api.unavailable'] as const

describe('an answer in place of a page', () => {
  test.each<[string, Reply, { first: readonly unknown[]; later: readonly unknown[] }]>([
    ['a page of HTML', { headers: html, body: '<html>Wait</html>' }, passing(2)],
    ['HTML called JSON', { body: '<html>Wait</html>' }, passing(2)],
    ['plain text', { headers: { 'content-type': 'text/plain' }, body: 'Wait' }, passing(2)],
    ['JSON called text', { headers: { 'content-type': 'text/plain' }, body: text }, passing(2)],
    ['an empty body', { body: '' }, passing(2)],
    ['JSON that is cut short', { body: text.slice(0, -9) }, passing(2)],
    ['damaged gzip', { headers: { 'content-encoding': 'gzip' }, body: 'Wait' }, passing(2)],
    ['status 204', { status: 204, body: '' }, passing(2)],
    [
      'JSON without a list',
      { body: { message: 'Wait' } },
      { first: [...unusable, 2], later: [...unusable, 8] },
    ],
    [
      'JSON with an error',
      { body: { error: { code: 'x' } } },
      { first: [...unusable, 2], later: [...unusable, 8] },
    ],
    [
      'a body that unpacks to too much',
      { headers: { 'content-encoding': 'gzip' }, body: gzipSync(Buffer.alloc(9_000_000, ' ')) },
      { first: [...unusable, 2], later: [...unusable, 2] },
    ],
    [
      'a redirect to a portal',
      { status: 302, headers: { location: 'http://portal.example.com/' }, body: '' },
      { first: [69, 'api.redirect', 1], later: [...unavailable, 8] },
    ],
  ])(
    '%s ends a run at first contact, and is retried like a 503 later',
    async (_, bad, expected) => {
      const ended = async (contact: Contact) => {
        const { result, tries } = await readAfter(contact, bad, 99)
        const { exitCode, code } = result as CosellError
        return [exitCode, code, tries]
      }
      expect(await ended('first contact')).toEqual(expected.first)
      expect(await ended('this run')).toEqual(expected.later)
      expect(await ended('earlier run')).toEqual(expected.later)
    },
  )

  test('a page of HTML for seven tries is survived, as a 503 is', async () => {
    for (const bad of [{ headers: html, body: '<html>' }, { status: 503 }]) {
      const { result, tries } = await readAfter('earlier run', bad, 7)
      expect(result).toMatchObject({ referrals: page.value })
      expect(tries).toBe(8)
    }
  })

  test('an address counts as known once it gave a page', async () => {
    const bad = await readAfter('first contact', { body: '<html>' }, 99)
    expect(bad.answered).toEqual({ api: null, signIn: null })
    const good = await readAfter('first contact', { body: '' }, 0)
    expect(good.answered).toEqual({ api: expect.stringMatching(/^http:/), signIn: null })
  })

  test('another address that is known makes none of this one', () =>
    withServer(
      () => ({ headers: html, body: '<html>' }),
      (server) =>
        withApi(server.url, { knownOrigins: ['https://api.example.com'] }, async (api) => {
          await expect(api.getPage(firstPage)).rejects.toMatchObject({
            code: 'api.unusable_answer',
          })
        }),
    ))

  test('a page of HTML from the sign-in service passes too where it is known', () =>
    withServer(
      ({ path }) => (path.endsWith('/token') ? { headers: html, body: '<html>' } : { body: page }),
      async (server) => {
        const signIn = { accessToken: undefined, refreshToken: 'x', clientId: 'client-1' }
        const end = (knownOrigins: string[]) =>
          withApi(server.url, { ...signIn, knownOrigins }, (api) =>
            api.getPage(firstPage).catch((error: CosellError) => error),
          )
        expect(await end([])).toMatchObject({ exitCode: 69, code: 'api.unusable_answer' })
        expect(await end([server.url])).toMatchObject({ exitCode: 75, code: 'api.unavailable' })
      },
    ))
})

/** A page that is no JSON: a wrong address at first contact, a passing fault later. */
function passing(tries: number) {
  return { first: [...unusable, tries], later: [...unavailable, 8] }
}

describe('annotations of a page', () => {
  test.each([
    '@odata.nextLink',
    '@nextLink',
    '@odata.nextlink',
    '@NextLink',
    'odata.nextLink',
    '@odata.NEXTLINK',
  ])('getPage follows the next link written as %s', (key) =>
    withServer(
      () => ({ body: { ...page, [key]: '/v1.0/engagements/referrals?$skiptoken=k1' } }),
      (server) =>
        withApi(server.url, {}, async (api) =>
          expect(await api.getPage(firstPage)).toMatchObject({ nextLink: '?$skiptoken=k1' }),
        ),
    ),
  )

  test.each([
    'referrals?$skiptoken=k1',
    '?$skiptoken=k1',
    './referrals?$skiptoken=k1',
    '/engagements/referrals?$skiptoken=k1',
    '//HOST/v1.0/engagements/referrals?$skiptoken=k1',
  ])('getPage follows the relative next link %s', (link) =>
    withServer(
      ({ headers }) => ({
        body: { ...page, '@nextLink': link.replace('HOST', headers.host ?? '') },
      }),
      (server) =>
        withApi(server.url, {}, async (api) => {
          const { nextLink } = await api.getPage(firstPage)
          expect(nextLink).toBe('?$skiptoken=k1')
          await api.getPage({ nextLink: nextLink ?? '' })
          expect(server.requests[1]?.path).toBe('/v1.0/engagements/referrals?$skiptoken=k1')
        }),
    ),
  )

  test.each<[string, unknown, number | null]>([
    ['@odata.count', 7, 7],
    ['@count', 7, 7],
    ['@odata.Count', 7, 7],
    ['odata.count', '7', 7],
    ['@count', 'many', null],
    ['@count', null, null],
    ['count', 7, null],
  ])('getPage reads %s: %j as %j', (key, value, count) =>
    withServer(
      () => ({ body: { ...page, [key]: value } }),
      (server) =>
        withApi(server.url, {}, async (api) =>
          expect(await api.getPage(firstPage)).toMatchObject({ count, nextLink: null }),
        ),
    ),
  )

  test.each([null, '', undefined])('a next link of %j is the end of the list', (link) =>
    withServer(
      () => ({ body: { ...page, '@odata.nextLink': link } }),
      (server) =>
        withApi(server.url, {}, async (api) =>
          expect(await api.getPage(firstPage)).toMatchObject({ nextLink: null }),
        ),
    ),
  )
})
