/** Markup that may go into a page as it is. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Value = Markup | string | number | null | undefined | readonly Value[]

/**
 * Markup from a template whose values are escaped unless they are markup themselves: safe between
 * tags and in quoted attributes. Null and undefined leave nothing; lists are joined.
 */
export function html(fixed: TemplateStringsArray, ...values: readonly Value[]): Markup {
  const pieces = fixed.flatMap((piece, index) => [piece, render(values[index])])
  return new Markup(pieces.join(''))
}

function render(value: Value): string {
  if (value === null || value === undefined) return ''
  if (value instanceof Markup) return value.text
  if (typeof value === 'object') return value.map(render).join('')
  return escapeText(String(value))
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeText(text: string): string {
  // Control characters and lone surrogates have no place in HTML, whatever the warehouse holds.
  return text
    .toWellFormed()
    .replace(/[^\P{Cc}\t\n]/gu, '\uFFFD')
    .replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

/** Text from the data: its writing direction stays its own. */
export function foreign(text: string): Markup {
  return html`<bdi>${text}</bdi>`
}
