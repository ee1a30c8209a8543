const nextLine = '\u0085'

/** The text without white space around it; null when nothing is left. */
export function cleanText(wire: string): string | null {
  let text = wire.trim()
  // Unicode counts NEL as white space, JavaScript does not.
  while (text.startsWith(nextLine) || text.endsWith(nextLine)) {
    text = text.slice(text.startsWith(nextLine) ? 1 : 0, text.endsWith(nextLine) ? -1 : undefined)
    text = text.trim()
  }
  return text === '' ? null : text
}

const entity = /&(?:(amp|lt|gt|quot|apos|nbsp)|#(\d+)|#[xX]([0-9a-fA-F]+));/g

const namedCharacters: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
}

/**
 * Decodes `&amp; &lt; &gt; &quot; &apos; &nbsp;` and numeric character references, once:
 * `&amp;lt;` becomes `&lt;`. Anything else stays as it is. A reference to no character
 * becomes U+FFFD, as in HTML; above all NUL, which PostgreSQL cannot store.
 */
export function decodeEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(entity, (_whole, name?: string, decimal?: string, hex?: string) => {
    if (name !== undefined) return namedCharacters[name] ?? ''
    return characterOf(decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal))
  })
}

// Old Windows programs number curly quotes and dashes 128 to 159 as in their code page, and HTML
// reads them so: `&#146;` is an apostrophe. U+FFFD marks the five places that page leaves empty.
const windowsCharacters = '€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ'

function characterOf(code: number): string {
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return '\ufffd'
  if (code >= 128 && code <= 159) return windowsCharacters[code - 128] ?? '\ufffd'
  return String.fromCodePoint(code)
}

/** Order by UTF-16 units, the same on every machine. */
export function compareText(left: string, right: string): number {
  if (left === right) return 0
  return left < right ? -1 : 1
}
