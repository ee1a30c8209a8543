import { describe, expect, test } from 'vitest'
import { isExempt, type NetworkVariables, routeTo } from '../../../src/extract/http/proxy.ts'

const api = new URL('https://api.partner.microsoft.com')

describe('routeTo', () => {
  test.each<[NetworkVariables, string, string]>([
    [{ HTTPS_PROXY: 'http://a:8080' }, 'a:8080', 'HTTPS_PROXY'],
    [{ HTTPS_PROXY: 'http://a:8080', https_proxy: 'http://b:8080' }, 'b:8080', 'https_proxy'],
    [{ HTTPS_PROXY: 'http://a:8080', https_proxy: ' ' }, 'a:8080', 'HTTPS_PROXY'],
    [{ HTTPS_PROXY: 'http://a:8080', ALL_PROXY: 'socks5://b' }, 'a:8080', 'HTTPS_PROXY'],
    [{ ALL_PROXY: 'http://a:8080' }, 'a:8080', 'ALL_PROXY'],
    [{ HTTPS_PROXY: 'proxy.example.com:3128' }, 'proxy.example.com:3128', 'HTTPS_PROXY'],
    [{ HTTPS_PROXY: 'http://proxy.example.com/' }, 'proxy.example.com:80', 'HTTPS_PROXY'],
    [{ HTTPS_PROXY: 'https://proxy.example.com' }, 'proxy.example.com:443', 'HTTPS_PROXY'],
    [{ HTTPS_PROXY: 'http://[::1]:3128' }, '[::1]:3128', 'HTTPS_PROXY'],
  ])('an https address with %j goes through %s of %s', (variables, name, variable) =>
    expect(routeTo(api, variables)).toEqual({
      proxy: expect.objectContaining({ name, variable, authorization: null }),
    }),
  )

  test('an http address uses HTTP_PROXY, and an https address does not', () => {
    const variables = { HTTP_PROXY: 'http://a:8080' }
    expect(routeTo(new URL('http://ping.example.com/x'), variables).proxy?.name).toBe('a:8080')
    expect(routeTo(api, variables)).toEqual({ proxy: null, reason: 'no proxy' })
  })

  test.each(['http://127.0.0.1:8080', 'https://127.9.9.9', 'http://localhost:1', 'http://[::1]:1'])(
    'loopback is reached directly whatever the variables: %s',
    (target) =>
      expect(routeTo(new URL(target), { HTTPS_PROXY: 'x', HTTP_PROXY: 'socks://y' })).toEqual({
        proxy: null,
        reason: 'loopback',
      }),
  )

  test('an exempt host needs no usable proxy', () =>
    expect(routeTo(api, { ALL_PROXY: 'socks5://a', NO_PROXY: 'microsoft.com' })).toEqual({
      proxy: null,
      reason: 'exempt',
    }))

  test.each([
    ['http://user:secret@proxy.example.com:3128', 'user:secret'],
    ['http://user%40corp:p%23%2F%3F%25ss@proxy.example.com', 'user@corp:p#/?%ss'],
    ['http://CORP%5Cuser:pass@proxy.example.com', 'CORP\\user:pass'],
    ['http://user@proxy.example.com', 'user:'],
    ['user:p@ss@proxy.example.com:3128', 'user:p@ss'],
  ])('user and password of %s are sent as Basic %s', (HTTPS_PROXY, pair) =>
    expect(routeTo(api, { HTTPS_PROXY }).proxy?.authorization).toBe(
      `Basic ${Buffer.from(pair).toString('base64')}`,
    ),
  )

  test.each([
    ['socks5://proxy.example.com:1080', 'SOCKS'],
    ['socks5h://u:canary@proxy.example.com:1080', 'SOCKS'],
    ['ftp://proxy.example.com', 'scheme'],
    ['http://user:canary#9@proxy.example.com:3128', 'address'],
    ['http://user:12#canary@proxy.example.com:3128', 'more than'],
    ['http://user:12/canary@proxy.example.com:3128', 'more than'],
    ['http://user:canary%@proxy.example.com:3128', 'percent-encoding'],
    ['http://proxy.example.com:3128/path', 'more than'],
    ['http://', 'not an address'],
  ])('a proxy %s is refused without showing it: %s', (HTTPS_PROXY, says) => {
    const refused = () => routeTo(api, { HTTPS_PROXY })
    expect(refused).toThrow(
      expect.objectContaining({ code: 'proxy.invalid', exitCode: 78 }) as unknown as Error,
    )
    expect(refused).toThrow(says)
    expect(refused).toThrow(/^HTTPS_PROXY: expected/)
    expect(refused).not.toThrow(/canary|:12/)
  })
})

describe('isExempt', () => {
  test.each<[noProxy: string, target: string, isExempted: boolean, why: string]>([
    ['*', 'https://api.example.com', true, 'a star exempts all'],
    ['a.example.com, *', 'https://b.example.org', true, 'a star in a list as well'],
    ['api.example.com', 'https://api.example.com', true, 'the host itself'],
    ['API.Example.COM', 'https://api.example.com', true, 'letter case is ignored'],
    ['example.com', 'https://api.example.com', true, 'a domain covers hosts below it'],
    ['.example.com', 'https://api.example.com', true, 'a leading dot changes nothing'],
    ['.example.com', 'https://example.com', true, 'nor for the domain itself'],
    ['*.example.com', 'https://a.b.example.com', true, 'nor does a star before the dot'],
    ['example.com.', 'https://api.example.com', true, 'nor a dot at the end'],
    ['example.com', 'https://api.example.com.', true, 'of either'],
    ['ample.com', 'https://example.com', false, 'part of a name is no domain'],
    ['api.example.com', 'https://example.com', false, 'a host does not cover its domain'],
    ['com', 'https://example.com', true, 'a top-level domain covers what is below'],
    ['bücher.example', 'https://xn--bcher-kva.example', true, 'names are compared in ASCII'],
    ['', 'https://example.com', false, 'an empty list exempts nothing'],
    [' , ,', 'https://example.com', false, 'nor do empty entries'],
    ['a.example b.example', 'https://b.example', true, 'blanks separate'],
    ['a.example,b.example', 'https://b.example', true, 'commas separate'],
    ['example.com:443', 'https://example.com', true, 'the default port counts'],
    ['example.com:80', 'http://example.com', true, 'that of http as well'],
    ['example.com:8443', 'https://example.com', false, 'another port is not exempt'],
    ['example.com:8443', 'https://example.com:8443', true, 'the same port is'],
    ['example.com', 'https://example.com:8443', true, 'without a port any is'],
    ['*.example.com:8443', 'https://a.example.com:8443', true, 'a domain may have a port'],
    ['10.1.2.3', 'https://10.1.2.3', true, 'an address'],
    ['10.1.2.3:443', 'https://10.1.2.3', true, 'an address with its port'],
    ['10.1.2.3:80', 'https://10.1.2.3', false, 'an address with another port'],
    ['2.3', 'https://10.1.2.3', false, 'an address has no domains'],
    ['10.0.0.0/8', 'https://10.1.2.3', true, 'a network'],
    ['10.0.0.0/8', 'https://11.1.2.3', false, 'an address outside of it'],
    ['0.0.0.0/0', 'https://11.1.2.3', true, 'the whole of IPv4'],
    ['10.0.0.0/8', 'https://ten.example.com', false, 'names are not resolved'],
    ['10.0.0.0/33', 'https://10.0.0.0', false, 'no such prefix'],
    ['10.0.0/8', 'https://10.0.0.1', false, 'no such network'],
    ['fd00::1', 'https://[fd00::1]', true, 'an address of IPv6'],
    ['[fd00::1]', 'https://[fd00::1]', true, 'in brackets'],
    ['[fd00::1]:8443', 'https://[fd00::1]:8443', true, 'in brackets with its port'],
    ['[fd00::1]:8443', 'https://[fd00::1]', false, 'in brackets with another port'],
    ['fd00:0:0:0:0:0:0:1', 'https://[fd00::1]', true, 'written at length'],
    ['fd00::/8', 'https://[fd12::3]', true, 'a network of IPv6'],
    ['[fd00::]/8', 'https://[fd12::3]', true, 'a network in brackets'],
    ['fd00::/8', 'https://[fe80::3]', false, 'an address outside of it'],
    ['https://example.com', 'https://example.com', false, 'an address with a scheme is no entry'],
  ])('NO_PROXY=%j and %s: %j, %s', (noProxy, target, isExempted) =>
    expect(isExempt(new URL(target), noProxy)).toBe(isExempted),
  )
})
