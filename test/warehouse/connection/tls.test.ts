import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CosellError } from '../../../src/errors.ts'
import { openDatabase } from '../../../src/warehouse/connection/database.ts'
import {
  createAuthority,
  createServerIdentity,
  type Identity,
} from '../../extract/http/certificate.ts'
import { runAt, startThrowaway, type TestServer } from '../../support/global-setup.ts'

// A server of its own with TLS: its certificate is for localhost, so 127.0.0.1 is another host.

let server: TestServer
let data: string
let folder: string
const authority = createAuthority('Private CA')
const stranger = createAuthority('Another CA')

const file = (name: string) => path.join(folder, name)

/** Writes a file of the server, which takes a key only from its own account. */
function writeData(name: string, text: string) {
  const { uid, gid } = statSync(data)
  writeFileSync(path.join(data, name), text)
  chownSync(path.join(data, name), uid, gid)
  chmodSync(path.join(data, name), 0o600)
}

async function present({ certificate, key }: Identity) {
  writeData('server.crt', certificate)
  writeData('server.key', key)
  await runAt(server.url, sql`select pg_reload_conf()`)
  await untilReloaded()
}

async function allow(...lines: string[]) {
  writeData(
    'pg_hba.conf',
    ['host all all 127.0.0.1/32 scram-sha-256', ...lines]
      .slice(lines.length > 0 ? 1 : 0)
      .join('\n'),
  )
  await reload()
}

let reload = async () => {}
/** New connections are made by a postmaster that has read its files again. */
const untilReloaded = () => new Promise((resolve) => setTimeout(resolve, 150))

beforeAll(async () => {
  server = await startThrowaway()
  folder = mkdtempSync(path.join(tmpdir(), 'cosell-tls-'))
  writeFileSync(file('ca.pem'), authority.certificate)
  writeFileSync(file('stranger.pem'), stranger.certificate)
  const client = createServerIdentity(authority, 'postgres')
  writeFileSync(file('client.pem'), client.certificate)
  writeFileSync(file('client.key'), client.key)
  const admin = await openDatabase(server.url)
  const { rows } = await sql<{
    data: string
  }>`select current_setting('data_directory') as data`.execute(admin.query)
  data = rows[0]?.data ?? ''
  // Kept open, so that the rules of access can be changed back.
  reload = async () => {
    await sql`select pg_reload_conf()`.execute(admin.query)
    await untilReloaded()
  }
  const identity = createServerIdentity(authority, 'localhost')
  writeData('server.crt', identity.certificate)
  writeData('server.key', identity.key)
  writeData('root.crt', authority.certificate)
  await sql`alter system set ssl_ca_file = 'root.crt'`.execute(admin.query)
  await sql`alter system set ssl = on`.execute(admin.query)
  await reload()
  closeAdmin = admin.close
})

let closeAdmin = async () => {}

afterAll(async () => {
  await closeAdmin()
  await server.stop()
  rmSync(folder, { recursive: true })
})

const addressOf = (query: string, host = 'localhost') => {
  const url = new URL(server.url)
  url.hostname = host
  return `${url.href}?${query.replaceAll('FOLDER', folder)}`
}

/** Returns whether the connection is encrypted, or the failure. */
async function outcomeOf(address: string): Promise<string> {
  try {
    const { query, close } = await openDatabase(address)
    try {
      const { rows } = await sql<{ ssl: boolean }>`
        select ssl from pg_stat_ssl where pid = pg_backend_pid()`.execute(query)
      return rows[0]?.ssl === true ? 'encrypted' : 'clear'
    } finally {
      await close()
    }
  } catch (error) {
    if (!(error instanceof CosellError)) throw error
    expect(error.message).not.toContain(new URL(server.url).password)
    return `${error.exitCode} ${error.code}: ${error.message}`
  }
}

const untrusted = /^78 database\.tls: .*not trusted.*sslrootcert/
const otherHost = /^78 database\.tls: .*another host/

describe('sslmode', () => {
  test.each([
    { query: 'sslmode=disable', outcome: /^clear$/ },
    { query: 'sslmode=allow', outcome: /^clear$/ },
    { query: 'sslmode=prefer', outcome: /^encrypted$/ },
    { query: 'sslmode=require', outcome: /^encrypted$/ },
    { query: 'sslmode=require&sslrootcert=FOLDER/stranger.pem', outcome: untrusted },
    {
      query: 'sslmode=require&sslrootcert=FOLDER/ca.pem',
      host: '127.0.0.1',
      outcome: /^encrypted$/,
    },
    { query: 'sslmode=prefer&sslrootcert=FOLDER/stranger.pem', outcome: /^clear$/ },
    { query: 'sslmode=verify-ca&sslrootcert=FOLDER/ca.pem', outcome: /^encrypted$/ },
    {
      query: 'sslmode=verify-ca&sslrootcert=FOLDER/ca.pem',
      host: '127.0.0.1',
      outcome: /^encrypted$/,
    },
    { query: 'sslmode=verify-ca&sslrootcert=FOLDER/stranger.pem', outcome: untrusted },
    { query: 'sslmode=verify-full&sslrootcert=FOLDER/ca.pem', outcome: /^encrypted$/ },
    {
      query: 'sslmode=verify-full&sslrootcert=FOLDER/ca.pem',
      host: '127.0.0.1',
      outcome: otherHost,
    },
    { query: 'sslmode=verify-full', outcome: untrusted },
    { query: 'sslrootcert=system', outcome: untrusted },
    { query: 'sslmode=require&channel_binding=require', outcome: /^encrypted$/ },
    { query: 'sslmode=disable&channel_binding=require', outcome: /^78 database\.tls: .*binding/ },
    { query: 'sslmode=require&sslrootcert=FOLDER/none.pem', outcome: /^78 .*sslrootcert.*ENOENT/ },
    {
      query: 'sslmode=require&sslrootcert=FOLDER/client.key',
      outcome: /^78 .*sslrootcert|untrusted|not trusted/,
    },
  ])('sslmode: $query to $host is $outcome, as with libpq', async ({ query, host, outcome }) => {
    expect(await outcomeOf(addressOf(query, host))).toMatch(outcome)
  })

  test('an expired certificate is 78 where it is verified', async () => {
    try {
      await present(createServerIdentity(authority, 'localhost', [-3, -1]))
      const verified = addressOf('sslmode=verify-full&sslrootcert=FOLDER/ca.pem')
      expect(await outcomeOf(verified)).toMatch(/^78 database\.tls: .*not valid today/)
      expect(await outcomeOf(addressOf('sslmode=require'))).toBe('encrypted')
    } finally {
      await present(createServerIdentity(authority, 'localhost'))
    }
  })

  test('sslmode follows what the server takes, and a client certificate is asked for by name', async () => {
    try {
      await allow('hostssl all all all scram-sha-256 clientcert=verify-ca')
      const certified = 'sslcert=FOLDER/client.pem&sslkey=FOLDER/client.key'
      expect(await outcomeOf(addressOf('sslmode=require'))).toMatch(
        /^78 database\.refused: .*sslcert/,
      )
      expect(await outcomeOf(addressOf(`sslmode=require&${certified}`))).toBe('encrypted')
      expect(await outcomeOf(addressOf(`sslmode=allow&${certified}`))).toBe('encrypted')
      const clear = await outcomeOf(addressOf('sslmode=disable'))
      expect(clear).toMatch(/^78 database\.refused: .*no pg_hba\.conf entry.*sslmode=verify-full/)
      await allow('hostnossl all all all scram-sha-256')
      expect(await outcomeOf(addressOf('sslmode=prefer'))).toBe('clear')
      const refused = await outcomeOf(addressOf('sslmode=require'))
      expect(refused).toMatch(/^78 database\.refused: .*administrator add a line/)
    } finally {
      await allow()
    }
  })
})
