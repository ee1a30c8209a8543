import { CosellError } from '../errors.ts'

/**
 * Returns the choice in the address of a page that a colleague sent, as `?account=contoso&…`. Their
 * host, port and token are of no use here. Empty without an address.
 *
 * @throws CosellError `open.view` for a text that is no address.
 */
export function queryOfView(view: string | undefined): string {
  if (view === undefined) return ''
  const root = 'http://127.0.0.1/'
  if (/^(https?:|\?)/.test(view) && URL.canParse(view, root)) return new URL(view, root).search
  const text =
    `${view.slice(0, 80)}: expected the address of a page of cosell open, or its part from ? on, in ` +
    'quotes. Copy it whole from the address bar.'
  throw new CosellError('open.view', text)
}
