import { styleText } from 'node:util'

/** Meaning of a piece of text, which a terminal with colour shows. */
export type Emphasis = 'error' | 'warning' | 'heading' | 'aside'

/** Returns a text with its emphasis, or as it is where there is no colour. */
export type Style = (emphasis: Emphasis, text: string) => string

/** Width that results are laid out for, on any terminal and in any file. */
export const textColumns = 80

const formats: Readonly<Record<Emphasis, Parameters<typeof styleText>[0]>> = {
  error: ['bold', 'red'],
  warning: ['bold', 'yellow'],
  heading: 'bold',
  aside: 'dim',
}

export const plain: Style = (_, text) => text

/** The stream has been judged already: the check of Node.js is for standard output alone. */
export const coloured: Style = (emphasis, text) =>
  styleText(formats[emphasis], text, { validateStream: false })

/** Variables of the environment that say what a terminal shows. */
export interface TerminalVariables {
  readonly NO_COLOR?: string | undefined
  readonly TERM?: string | undefined
}

/** Whether a terminal takes control sequences: one of `TERM=dumb` takes none. */
export function takesControls(isTerminal: boolean, { TERM }: TerminalVariables): boolean {
  return isTerminal && TERM !== 'dumb'
}

/**
 * Returns the style of a stream: colour on a terminal that takes control sequences, unless `NO_COLOR`
 * has a value (https://no-color.org).
 */
export function styleOf(isTerminal: boolean, variables: TerminalVariables): Style {
  const { NO_COLOR = '' } = variables
  return takesControls(isTerminal, variables) && NO_COLOR === '' ? coloured : plain
}

/**
 * Breaks a text between words into lines of at most `columns` characters. Lines after the first
 * begin with `indent` spaces. A longer word, such as a path, stays whole.
 */
export function wrapWords(text: string, columns = textColumns, indent = 0): string {
  const margin = /^ */.exec(text)?.[0] ?? ''
  const [first = '', ...rest] = text.slice(margin.length).split(' ')
  return wrapPhrases([margin + first, ...rest], columns, indent)
}

/** `wrapWords` of phrases, which stay whole. */
export function wrapPhrases(phrases: readonly string[], columns = textColumns, indent = 0): string {
  return layWords(
    phrases.map((text) => ({ text })),
    columns,
    indent,
    plain,
  )
}

/** A word, with the emphasis that it is shown with. */
export interface Word {
  readonly text: string
  readonly emphasis?: Emphasis | undefined
}

/** `wrapWords` of words with an emphasis, whose codes take no column. */
export function layWords(
  words: readonly Word[],
  columns: number,
  indent: number,
  style: Style,
): string {
  let width = 0
  let laid = ''
  for (const { text, emphasis } of words) {
    const shown = emphasis === undefined ? text : style(emphasis, text)
    if (laid === '') {
      laid = shown
      width = text.length
    } else if (width + 1 + text.length > columns && width > indent) {
      laid += `\n${' '.repeat(indent)}${shown}`
      width = indent + text.length
    } else {
      laid += ` ${shown}`
      width += 1 + text.length
    }
  }
  return laid
}
