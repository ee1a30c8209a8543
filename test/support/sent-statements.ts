import pg from 'pg'

/** A statement as it was sent to the server. */
export interface Sent {
  readonly text: string
  readonly session: number
  /** A named statement would stay in the session. */
  readonly name: string | undefined
}

interface Named {
  readonly text: string
  readonly name?: string
}

/** Runs `use` and returns every statement that pg sent meanwhile, COPY included. */
export async function recordStatements(use: () => Promise<unknown>): Promise<Sent[]> {
  const sent: Sent[] = []
  const sessions = new Map<unknown, number>()
  const { prototype } = pg.Client
  const original = prototype.query
  function query(this: pg.Client, ...given: unknown[]): unknown {
    const [first] = given as [string | Named]
    const { text, name } = typeof first === 'string' ? { text: first, name: undefined } : first
    const session = sessions.get(this) ?? sessions.size
    sessions.set(this, session)
    sent.push({ text, session, name })
    return Reflect.apply(original, this, given)
  }
  prototype.query = query as typeof original
  try {
    await use()
    return sent
  } finally {
    prototype.query = original
  }
}

/** One transaction, or a statement outside of any. */
export interface SentTransaction {
  readonly statements: readonly string[]
  readonly isCommitted: boolean
}

/** The statements of each session, cut at BEGIN and at COMMIT or ROLLBACK, which are left out. */
export function transactionsOf(sent: readonly Sent[]): SentTransaction[] {
  const done: SentTransaction[] = []
  const open = new Map<number, string[]>()
  for (const { text, session } of sent) {
    const statements = open.get(session)
    const begun = /^\s*(?:begin|start transaction)\b[^;]*(?:;(.*))?$/is.exec(text)
    if (begun !== null) open.set(session, begun[1] === undefined ? [] : [begun[1]])
    else if (statements !== undefined && /^(commit|rollback)$/i.test(text)) {
      open.delete(session)
      done.push({ statements, isCommitted: /^commit$/i.test(text) })
    } else if (statements === undefined) done.push({ statements: [text], isCommitted: true })
    else statements.push(text)
  }
  return done
}

/** The text without comments, and without the content of literals unless they are kept. */
export function bareText(text: string, literals: 'kept' | 'emptied' = 'emptied'): string {
  const tokens = /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'/g
  const spaced = text.replace(tokens, (token) => {
    if (!token.startsWith("'")) return ' '
    return literals === 'kept' ? token : "''"
  })
  return spaced.replace(/"/g, '').replace(/\s+/g, ' ').trim().toLowerCase()
}

const writing =
  /\b(insert into|update(?! set\b)|delete from|copy|truncate table|lock table|merge into) ([a-z_]+\.[a-z_]+(?:, [a-z_]+\.[a-z_]+)*)/g

export interface Written {
  readonly how: string
  readonly table: string
}

/** Tables that a statement writes to or locks, in the order of its text. */
export function writesOf(text: string): Written[] {
  return [...bareText(text).matchAll(writing)].flatMap(([, how = '', names = '']) =>
    names.split(', ').map((table) => ({ how, table })),
  )
}

/** The text without its parts in parentheses. */
export function outermost(text: string): string {
  const shorter = text.replace(/\([^()]*\)/g, '')
  return shorter === text ? text : outermost(shorter)
}
