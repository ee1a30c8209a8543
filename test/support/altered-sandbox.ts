import type { Sandbox } from '../../src/sandbox/api/sandbox-server.ts'
import { demoSettings } from '../../src/sandbox/settings.ts'
import { withServer } from './scripted-server.ts'
import type { Settings } from './with-pipeline.ts'

/** Answer of the sandbox; a script may change it. */
export interface AlteredReply {
  status: number
  body: Record<string, unknown>
  headers?: Record<string, string>
}

/** A request to the API, by the id of a referral, or null for the list. */
export interface AskedFor {
  readonly id: string | null
}

/**
 * Serves the sandbox at another address while `use` runs, with the answers of its API changed by
 * `alter`. `use` gets the settings that lead there.
 */
export async function withAltered(
  sandbox: Sandbox,
  alter: (reply: AlteredReply, asked: AskedFor) => void | Promise<void>,
  use: (settings: Settings) => Promise<void>,
): Promise<void> {
  let own = ''
  await withServer(
    async ({ method, path, headers, body }) => {
      const { authorization = '' } = headers
      const type = headers['content-type'] ?? 'application/json'
      const answer = await fetch(sandbox.url + path, {
        method,
        headers: { authorization, 'content-type': type },
        ...(method === 'POST' ? { body } : {}),
      })
      const text = (await answer.text()).replaceAll(sandbox.url, own)
      const reply: AlteredReply = { status: answer.status, body: JSON.parse(text) }
      const [, id] = /^\/v1\.0\/engagements\/referrals(?:\/([^?]+))?/.exec(path) ?? [
        null,
        undefined,
      ]
      if (path.startsWith('/v1.0/')) await alter(reply, { id: id ?? null })
      return { ...reply, headers: { date: answer.headers.get('date') ?? '', ...reply.headers } }
    },
    async (server) => {
      own = server.url
      await use(demoSettings(server.url))
    },
  )
}
