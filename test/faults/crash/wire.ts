import { connect, createServer, type Socket } from 'node:net'

/** A wire to PostgreSQL that can be cut. */
export interface Wire {
  /** The database, reached through the wire. */
  readonly url: string
  /**
   * Cuts the connection that sends something next: after PostgreSQL has received it and answers, or
   * before it receives it. `null` takes the order back.
   */
  cutNext(delivered: boolean | null): void
  /**
   * Holds back what a connection sends next until `happening`, which is given the process of the
   * server behind it, is over.
   */
  meetNext(happening: (pid: number) => Promise<void>): void
  /** Connections that were cut. */
  readonly cuts: () => number
  /** Everything that clients sent, by connection. */
  readonly said: () => readonly Buffer[]
}

export async function withWire<T>(url: string, use: (wire: Wire) => Promise<T>): Promise<T> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let delivered: boolean | null = null
  let meeting: ((pid: number) => Promise<void>) | undefined
  let cuts = 0
  const connections: Buffer[][] = []
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    let isCut = false
    const chunks: Buffer[] = []
    let greeting = Buffer.alloc(0)
    connections.push(chunks)
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket.setNoDelay().on('error', end).on('close', end))
    }
    client.on('data', (said) => {
      chunks.push(said)
      const isLetThrough = delivered ?? true
      if (delivered !== null) {
        isCut = true
        cuts += 1
        delivered = null
      }
      if (!isLetThrough) return end()
      const meet = meeting
      if (meet === undefined) return void upstream.write(said)
      meeting = undefined
      client.pause()
      void meet(pidIn(greeting)).finally(() => {
        upstream.write(said)
        client.resume()
      })
    })
    upstream.on('data', (answered) => {
      if (pidIn(greeting) === 0) greeting = Buffer.concat([greeting, answered])
      if (isCut) end()
      else client.write(answered)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const through = new URL(url)
  through.port = String(typeof address === 'object' ? address?.port : 0)
  try {
    const cutNext: Wire['cutNext'] = (next) => {
      delivered = next
    }
    const meetNext: Wire['meetNext'] = (happening) => {
      meeting = happening
    }
    const said = () => connections.map((chunks) => Buffer.concat(chunks))
    return await use({ url: through.href, cutNext, meetNext, cuts: () => cuts, said })
  } finally {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
}

/** Process of the server in its first messages, each a letter, a length and a text; 0 before it. */
function pidIn(greeting: Buffer): number {
  for (let place = 0; place + 9 <= greeting.length; ) {
    if (greeting[place] === 'K'.charCodeAt(0)) return greeting.readInt32BE(place + 5)
    place += 1 + greeting.readInt32BE(place + 1)
  }
  return 0
}
