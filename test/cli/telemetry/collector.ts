import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { sql } from 'kysely'
import { sandboxSettings } from '../../../src/sandbox/settings.ts'
import { withDatabase } from '../../support/database.ts'
import { type CliResult, runCli } from '../../support/run-cli.ts'
import { withHome, withSandbox } from '../../support/with-pipeline.ts'

interface Received {
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** What a collector does with a request; `hang` never answers. */
export type Manner = 'accept' | 'refuse' | 'hang'

/** Lends a collector on loopback, and what it received. */
export async function withCollector<T>(
  manner: Manner,
  use: (url: string, received: readonly Received[]) => Promise<T>,
): Promise<T> {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const bytes = Buffer.concat(chunks)
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes
    received.push({ path: request.url ?? '', headers: request.headers, body })
    if (manner !== 'hang') response.writeHead(manner === 'accept' ? 200 : 503).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, received)
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

interface World {
  readonly home: string
  readonly env: Readonly<Record<string, string>>
  run(args: readonly string[], more?: Readonly<Record<string, string>>): Promise<CliResult>
  age(hours: number): Promise<void>
  /** Marks the account as one that is read no more. */
  retire(): Promise<void>
}

/** Lends commands over a simulated API into a database of their own. */
export function withWorld(use: (world: World) => Promise<void>): Promise<void> {
  return withHome((home) =>
    withSandbox({ referrals: 60, pageCap: 20, rotateRefreshToken: true }, ({ url: api }) =>
      withDatabase((db, url) => {
        const env = { ...sandboxSettings(api), COSELL_DATABASE_URL: url }
        return use({
          home,
          env,
          run: (args, more = {}) => runCli(args, { cwd: home, env: { ...env, ...more } }),
          age: async (hours) => {
            await sql`
              update etl.run set published_at = published_at - make_interval(hours => ${hours})
            `.execute(db)
          },
          retire: async () => {
            await sql`update dw.dim_partner_account set is_active = false`.execute(db)
          },
        })
      }),
    ),
  )
}
