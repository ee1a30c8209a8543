/**
 * The least that a loader of the same rows can do: keep each payload as jsonb and copy the finished rows
 * into the star with its constraints, while the pages are read. It computes nothing, checks nothing and
 * starts over when it is cut off.
 *
 * Usage: load-floor.ts API_URL DATABASE_URL FOLDER, the folder with a file of COPY text a table and
 * `tables.json`, their names in the order of the foreign keys.
 */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'

const [api = '', database = '', folder = ''] = process.argv.slice(2)
await Promise.all([landPages(), copyFinishedRows()])

interface Page {
  readonly value: readonly { readonly id: string }[]
  readonly '@odata.nextLink'?: string
}

async function landPages() {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: 'sandbox',
    refresh_token: 'sandbox-refresh-token',
    scope: 'https://api.partnercenter.microsoft.com/.default',
  })
  const signIn = await fetch(`${api}/sandbox/oauth2/v2.0/token`, { method: 'POST', body: form })
  const { access_token: token } = (await signIn.json()) as { access_token: string }
  await copyInto('floor.payload', Readable.from(linesOfPages(token)))
}

async function* linesOfPages(token: string): AsyncGenerator<string> {
  let next: string | undefined = `${api}/v1.0/engagements/referrals?$orderby=updatedDateTime asc`
  while (next !== undefined) {
    const answer = await fetch(next, { headers: { authorization: `Bearer ${token}` } })
    if (!answer.ok) throw new Error(`${next}: expected 200, got ${answer.status}`)
    const page = (await answer.json()) as Page
    for (const referral of page.value) {
      const text = JSON.stringify(referral).replaceAll('\\', '\\\\')
      yield `${referral.id}\t${text}\n`
    }
    next = page['@odata.nextLink']
  }
}

async function copyFinishedRows() {
  const tables: readonly string[] = JSON.parse(await readFile(join(folder, 'tables.json'), 'utf8'))
  for (const table of tables) {
    await copyInto(table, createReadStream(join(folder, table), { highWaterMark: 1 << 20 }))
  }
}

async function copyInto(table: string, text: Readable) {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  await pipeline(text, client.query(copyFrom(`copy ${table} from stdin`)))
  await client.end()
}
