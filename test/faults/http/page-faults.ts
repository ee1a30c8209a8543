import { type FaultKind, fatal, onPages, survived } from './kinds.ts'
import { envelope, type Injection, link, packed, reset, status, wait } from './strikes.ts'

const endless = [69, 'paging.endless'] as const
const linked = ['first', 'middle'] as const

/** A page whose next link is its own address. */
const itself: Injection = link(({ request }) => request.url ?? '')

const firstPage = '/v1.0/engagements/referrals?$orderby=createdDateTime%20asc&$top=4'

const loops = [
  fatal('P4', 'a page that links to itself', 2, itself, endless, {
    positions: linked,
    // The link to this page is known already.
    except: { middle: { fires: 1 } },
  }),
  fatal(
    'P4',
    'the last page links to the first',
    1,
    link(() => firstPage),
    endless,
    {
      positions: ['last'],
    },
  ),
  fatal(
    'P4',
    'ever new links to the same rows',
    4,
    link(({ request, ordinal }) => `${request.url}&again=${ordinal}`),
    endless,
    { positions: onPages },
  ),
]

const withoutLinks: Injection = envelope(({ '@odata.nextLink': _, ...page }) => page)

const byOffset = { nextLink: false, skip: true }

const skips = [
  survived('P5', 'no links: by $skip', Number.POSITIVE_INFINITY, withoutLinks, {
    fires: [6, 16],
    positions: ['run'],
    when: isList,
    capabilities: byOffset,
  }),
  fatal('P5', '$skip ignored, and no links', [2, 8], withoutLinks, [69, 'paging.no_way_on'], {
    positions: ['run'],
    when: isList,
    capabilities: byOffset,
    sandbox: { skip: false },
  }),
]

function isList({ healthy }: { healthy: { body: string } }): boolean {
  return healthy.body.includes('"value":[')
}

function rowsOf({ body }: { body: string }): number {
  return JSON.parse(body).value.length
}

const lengths = [
  survived(
    'P6',
    'two rows a page instead of four',
    10,
    envelope((page) => page),
    {
      positions: ['run'],
      when: ({ healthy }) => isList({ healthy }) && rowsOf(healthy) === 2,
      sandbox: { pageCap: 2 },
    },
  ),
  ...[1, 3].map((empties) =>
    survived(
      'P7',
      `${empties} empty pages before it`,
      empties,
      envelope((page, { request, ordinal }) => ({
        ...page,
        value: [],
        '@odata.nextLink': `${request.url}&again=${ordinal}`,
      })),
      { positions: ['middle', 'last'] },
    ),
  ),
  ...[0, 3, 1e9, -1, 'many', null].map((count) =>
    survived(
      'P7',
      `a count of ${count}`,
      1,
      envelope((page) => ({ ...page, '@odata.count': count })),
      { positions: onPages },
    ),
  ),
]

type Hostile = (host: string, elsewhere: string) => string
const query = '?$skiptoken=canary'
const path = `/v1.0/engagements/referrals${query}`

/** Links that must not be followed. `host` is the API, `elsewhere` a server that listens. */
const hostileLinks: [string, Hostile][] = [
  ['another port', (_, elsewhere) => `http://${elsewhere}${path}`],
  ['another port, https', (_, elsewhere) => `https://${elsewhere}${path}`],
  ['without scheme', (_, elsewhere) => `//${elsewhere}${path}`],
  ['with backslashes', (_, elsewhere) => `\\\\${elsewhere}${path}`],
  ['with one backslash', (_, elsewhere) => `/\\${elsewhere}${path}`],
  ['the API as user', (host, elsewhere) => `http://${host}@${elsewhere}${path}`],
  ['the API as user and password', (host, elsewhere) => `http://${host}:x@${elsewhere}${path}`],
  ['a user at the API', (host) => `http://someone@${host}${path}`],
  ['another name', () => `https://evil.example${path}`],
  ['the API as part of a name', (host) => `http://${host.split(':')[0]}.evil.example${path}`],
  ['localhost by name', (_, elsewhere) => `http://localhost:${elsewhere.split(':')[1]}${path}`],
  ['as one number', (_, elsewhere) => `http://2130706433:${elsewhere.split(':')[1]}${path}`],
  ['in hexadecimal', (_, elsewhere) => `http://0x7f.1:${elsewhere.split(':')[1]}${path}`],
  ['IPv6', (_, elsewhere) => `http://[::ffff:127.0.0.1]:${elsewhere.split(':')[1]}${path}`],
  ['punycode', () => `http://xn--pple-43d.example${path}`],
  ['letters that look alike', () => `http://\u0430pi.partner.microsoft.com${path}`],
  ['a line break', (host, elsewhere) => `http://${host}\r\nHost: ${elsewhere}${path}`],
  ['a tab in the name', (_, elsewhere) => `http://\t${elsewhere}${path}`],
  ['another scheme', (_, elsewhere) => `ftp://${elsewhere}${path}`],
  ['a file', () => 'file:///etc/passwd?x'],
  ['data', () => 'data:application/json,{}?x'],
  ['no address', () => 'http://[/?x'],
]

const links = [
  ...hostileLinks.map(([name, linkTo]) =>
    fatal(
      'P9',
      `a link: ${name}`,
      1,
      link(({ request, elsewhere }) => linkTo(request.headers.host ?? '', elsewhere)),
      [69, 'paging.unsafe_link'],
      { positions: linked },
    ),
  ),
  survived(
    'P9',
    'the documented link: http, without /engagements',
    1,
    (context) => envelope((page) => page)(context),
    {
      positions: linked,
      sandbox: { nextLink: 'http-without-engagements' },
    },
  ),
]

/** The two other ways through the list, with the faults that most often lose rows. */
const otherWays = [
  ['date filter', { createdFilter: 'bare', updatedFilter: 'bare', skip: true }] as const,
  ['$skip', byOffset] as const,
].flatMap(([way, capabilities]) =>
  [
    ['a reset', reset] as const,
    ['half a gzip', packed((gzip) => gzip.subarray(0, gzip.length / 2))] as const,
    ['status 503', status(503)] as const,
    ['Retry-After', wait(9_000, { 'retry-after': '9' })] as const,
    ['an expired token', status(401)] as const,
  ].map(([name, inject]) =>
    survived('H, B', `${name}, read by ${way}`, 1, inject, { positions: onPages, capabilities }),
  ),
)

/** Faults of paging: loops, missing links, odd lengths and hostile links. */
export const pageFaults: readonly FaultKind[] = [
  ...loops,
  ...skips,
  ...lengths,
  ...links,
  ...otherWays,
]
