/** Markup that goes into a page without escaping. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Value = Markup | string | number | null | undefined | readonly Value[]

/**
 * Builds markup from a template. Values that are not markup are escaped, which is safe between tags
 * and in quoted attributes. Null and undefined become empty text; lists are joined.
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
  // The warehouse may hold control characters and lone surrogates, which HTML does not allow.
  return text
    .toWellFormed()
    .replace(/[^\P{Cc}\t\n]/gu, '\uFFFD')
    .replace(/[&<>"']/g, (character) => entities[character] ?? '')
}

/** Isolates text of the data, so its writing direction does not affect the text around it. */
export function isolated(text: string): Markup {
  return html`<bdi>${text}</bdi>`
}
