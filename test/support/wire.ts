import { connect, createServer, type Socket } from 'node:net'

/** `delivered`: after PostgreSQL has received the statement, before it answers. `undelivered`: before. */
export type Moment = 'delivered' | 'undelivered'

export interface Wire {
  /** The database, reached through the wire. */
  readonly url: string
  /** Cuts the connection that sends the last of `words` after the others were sent. */
  cutAt(words: string | readonly string[], moment: Moment): void
  /** Holds back the connection that sends the last of `words` until `happening` is over. */
  pauseAt(words: string | readonly string[], happening: () => Promise<unknown>): void
  /** Passes nothing on from now on, in either direction, without closing a connection. */
  swallow(): void
  /** Whether the planned fault has happened. */
  isDone(): boolean
}

/** Runs `use` with a proxy to PostgreSQL that can be cut at a statement. */
export async function withWire<T>(url: string, use: (wire: Wire) => Promise<T>): Promise<T> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let plan: { words: string[]; meet: (socket: Ends, said: Buffer) => void } | undefined
  let isSwallowing = false
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    const ends: Ends = { client, upstream, end, isCut: false }
    for (const socket of [client, upstream]) sockets.add(socket.on('error', end).on('close', end))
    client.on('data', (said) => {
      if (isSwallowing) return
      const text = unquoted(said.toString('latin1'))
      while (plan?.words[0] !== undefined && text.includes(plan.words[0])) plan.words.shift()
      if (plan === undefined || plan.words.length > 0) return void upstream.write(said)
      const { meet } = plan
      plan = undefined
      meet(ends, said)
    })
    upstream.on('data', (answered) => {
      if (ends.isCut) end()
      else if (!isSwallowing) client.write(answered)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const through = new URL(url)
  through.port = String(typeof address === 'object' ? address?.port : 0)
  try {
    return await use({
      url: through.href,
      cutAt: (words, moment) => {
        plan = { words: wordsOf(words), meet: (ends, said) => cut(ends, said, moment) }
      },
      pauseAt: (words, happening) => {
        const meet = ({ upstream }: Ends, said: Buffer) =>
          void happening().then(() => upstream.write(said))
        plan = { words: wordsOf(words), meet }
      },
      swallow: () => {
        isSwallowing = true
      },
      isDone: () => plan === undefined,
    })
  } finally {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
}

/** Names are quoted by Kysely's builder, and not in text. */
const unquoted = (text: string) => text.replaceAll('"', '')

const wordsOf = (words: string | readonly string[]) => [words].flat().map(unquoted)

interface Ends {
  readonly client: Socket
  readonly upstream: Socket
  end(): void
  isCut: boolean
}

function cut(ends: Ends, said: Buffer, moment: Moment) {
  if (moment === 'undelivered') return ends.end()
  ends.isCut = true
  ends.upstream.write(said)
}
