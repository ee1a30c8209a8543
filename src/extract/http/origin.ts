import { CosellError } from '../../errors.ts'

/** A configured address: https, or http on this machine; without sign-in data, query or fragment. */
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
    'configuration',
    'api.unsafe_address',
    `${setting}: expected an https address without user, query or fragment (plain http only for ` +
      `loopback), got ${url === null ? 'something that is no address' : url.origin}.`,
  )
}

/** `127.0.0.0/8`, `::1` and `localhost`. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d+){3}$/.test(hostname)
}

/**
 * The query of a next link, to be used on the list address that we know. Documented links are plain
 * http and name another path, so scheme and path are ignored; a link to another host or port, with
 * sign-in data or control characters is refused: following it would hand out the access token.
 *
 * @throws CosellError `sourceBroken`
 */
export function nextLinkQuery(link: string, list: URL): string {
  const refusal = refusalOf(link, list)
  if (typeof refusal !== 'string') return refusal.search
  throw new CosellError(
    'sourceBroken',
    'paging.unsafe_link',
    `Next link: expected one to ${list.host}, got one ${refusal}. Nothing was sent there; ` +
      'check what COSELL_API_URL points to.',
  )
}

function refusalOf(link: string, list: URL): URL | string {
  if ([...link].some((character) => character < ' ' || character === '\u007f'))
    return 'with control characters'
  if (!URL.canParse(link, list.href)) return 'that is no address'
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
