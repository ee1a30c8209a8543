import { describe, expect, test } from 'vitest'
import { checkedBaseUrl, nextLinkQuery } from '../../../src/extract/http/origin.ts'

const list = new URL('https://api.partner.microsoft.com/v1.0/engagements/referrals')
const local = new URL('http://127.0.0.1:8123/v1.0/engagements/referrals')

describe('next links that are followed, by their query alone', () => {
  test.each([
    [
      list,
      'https://api.partner.microsoft.com/v1.0/engagements/referrals?$skiptoken=a',
      '?$skiptoken=a',
    ],
    [list, 'http://api.partner.microsoft.com/v1.0/referrals?$skiptoken=k181', '?$skiptoken=k181'],
    [list, 'https://API.partner.Microsoft.com:443/x?a=1', '?a=1'],
    [list, 'http://api.partner.microsoft.com:80/x?a=1', '?a=1'],
    [list, '?$skiptoken=a%2Bb', '?$skiptoken=a%2Bb'],
    [list, '/v1.0/referrals?$skiptoken=a', '?$skiptoken=a'],
    [list, 'referrals?$orderby=createdDateTime asc', '?$orderby=createdDateTime%20asc'],
    [list, 'https://api.partner.microsoft.com/x?a=1#part', '?a=1'],
    [local, 'http://127.0.0.1:8123/v1.0/referrals?a=1', '?a=1'],
    [local, 'https://127.0.0.1:8123/v1.0/referrals?a=1', '?a=1'],
  ])('nextLinkQuery of %s: %s', (base, link, query) =>
    expect(nextLinkQuery(link, base)).toBe(query),
  )
})

describe('next links that end the run', () => {
  test.each([
    'https://evil.example/v1.0/engagements/referrals?$skiptoken=a',
    'https://api.partner.microsoft.com.evil.example/?a=1',
    'https://api.partner.microsoft.com@evil.example/?a=1',
    'https://user:word@api.partner.microsoft.com/?a=1',
    'https://user@api.partner.microsoft.com/?a=1',
    'https://api.partner.microsoft.com:8443/?a=1',
    'http://api.partner.microsoft.com:443x/?a=1',
    '//evil.example/?a=1',
    'https:\\\\evil.example/?a=1',
    '/\\evil.example/?a=1',
    'ftp://api.partner.microsoft.com/?a=1',
    'javascript:alert(1)?a=1',
    'file:///etc/passwd?a=1',
    'https://api.partner.microsoft.com./?a=1',
    'https://аpi.partner.microsoft.com/?a=1',
    'https://[::1]/?a=1',
    'https://2130706433/?a=1',
    'https://api.partner.microsoft.com/?a=1\r\nHost: evil.example',
    'https://api.partner.microsoft.com/\t?a=1',
    'https://api.partner.microsoft.com/v1.0/engagements/referrals',
    '',
    'https://',
  ])('nextLinkQuery rejects %j', (link) =>
    expect(() => nextLinkQuery(link, list)).toThrow(
      expect.objectContaining({ kind: 'sourceBroken', code: 'paging.unsafe_link' }),
    ),
  )
  test('the message about a next link does not repeat it', () =>
    expect(() => nextLinkQuery('https://evil.example/?a=canary', list)).not.toThrow(/canary|evil/))
})

describe('configured addresses', () => {
  test.each([
    'https://api.partner.microsoft.com',
    'https://proxy.example.com:8443/partner/',
    'http://127.0.0.1:8123',
    'http://localhost:8123',
    'http://[::1]:8123',
  ])('checkedBaseUrl accepts %s', (url) => expect(checkedBaseUrl(url, 'X').href).toContain(url))
  test.each([
    'http://api.partner.microsoft.com',
    'https://user:secret@api.partner.microsoft.com',
    'https://api.partner.microsoft.com?x=1',
    'https://api.partner.microsoft.com#x',
    'http://127.0.0.1.evil.example',
    'ftp://127.0.0.1',
    'api.partner.microsoft.com',
    '',
  ])('checkedBaseUrl rejects "%s"', (url) =>
    expect(() => checkedBaseUrl(url, 'COSELL_API_URL')).toThrow(
      expect.objectContaining({
        kind: 'configuration',
        message: expect.not.stringContaining('secret'),
      }),
    ),
  )
})
