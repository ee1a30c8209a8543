import { CosellError } from '../../errors.ts'

/**
 * Returns a configured address, which must be https, or http on this machine, without sign-in data,
 * query or fragment.
 *
 * @throws CosellError `configuration`
 */
export function checkedBaseUrl(text: string, setting: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  const isSafe =
    url !== null &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))) &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.hash === ''
  if (isSafe) return url
  throw new CosellError(
    'api.unsafe_address',
    `${setting}: expected an https address without user, query or fragment (plain http only for ` +
      `loopback), got ${url === null ? 'text that is not an address' : url.origin}.`,
  )
}

/** Whether a host is `127.0.0.0/8`, `::1` or `localhost`. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname)
}

/**
 * Returns the query of a next link, to be used on the list address that we know. Documented links
 * are plain http and name another path, so scheme and path are ignored.
 *
 * @throws CosellError `sourceBroken` when the link has another host or port, sign-in data or control
 * characters: following it would hand out the access token
 */
export function nextLinkQuery(link: string, list: URL): string {
  const checked = checkLink(link, list)
  if (typeof checked !== 'string') return checked.search
  throw new CosellError(
    'paging.unsafe_link',
    `Next link: expected one to ${list.host}, got one ${checked}. Nothing was sent there; ` +
      'check what COSELL_API_URL points to.',
  )
}

/** Returns the address of a link, or says what is wrong with it. */
function checkLink(link: string, list: URL): URL | string {
  if ([...link].some((character) => character < ' ' || character === '\u007f'))
    return 'with control characters'
  if (!URL.canParse(link, list.href)) return 'that is not an address'
  const url = new URL(link, list)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'with another scheme'
  if (url.username !== '' || url.password !== '') return 'with sign-in data'
  if (url.hostname !== list.hostname) return 'to another host'
  const bothDefault = url.port === '' && list.port === ''
  if (!bothDefault && effectivePort(url) !== effectivePort(list)) return 'to another port'
  return url.search === '' ? 'without a query' : url
}

function effectivePort(url: URL): string {
  return url.port || (url.protocol === 'https:' ? '443' : '80')
}
