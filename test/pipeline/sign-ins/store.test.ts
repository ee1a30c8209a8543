import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { sql } from 'kysely'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../../src/config.ts'
import { createReferralsApi } from '../../../src/extract/api/referrals-api.ts'
import { createTokenStore, tokenFileOf } from '../../../src/extract/auth/token-store.ts'
import { deleteSignIn, renameSignIn } from '../../../src/load/runs/sign-ins.ts'
import { readSignInAge, tokenStoreOf } from '../../../src/pipeline/sign-ins/store.ts'
import { openDatabase } from '../../../src/warehouse/connection/database.ts'
import { withDatabase } from '../../support/database.ts'
import { asLogin } from '../../support/database-logins.ts'
import { withHome, withSandbox } from '../../support/with-pipeline.ts'

const newKey = () => randomBytes(32).toString('base64')
const settingsOf = (home: string, key?: string) =>
  loadConfig(key === undefined ? {} : { COSELL_TOKEN_KEY: key }, { COSELL_HOME: home }, home)
const at = Date.parse('2026-05-04T03:02:01Z')

describe('a sign-in in the warehouse', () => {
  test('the sign-in of one machine is that of another, and its row does not show the token', () =>
    withDatabase((db) =>
      withHome((home) =>
        withHome(async (other) => {
          const key = newKey()
          await tokenStoreOf(settingsOf(home, key), db, 'north', () => at).save('canary-1')
          const there = tokenStoreOf(settingsOf(other, key), db, 'north', () => at + 1_000)
          expect(await there.load()).toBe('canary-1')
          await there.save('canary-2', { from: 'canary-1', seen: 'canary-1' })
          // Exchanged for an older one, of which another machine has stored the successor.
          await there.save('canary-3', { from: 'canary-1', seen: 'canary-1' })
          expect(await tokenStoreOf(settingsOf(home, key), db, 'north').load()).toBe('canary-2')
          expect(await readSignInAge(settingsOf(home, key), db, 'north')).toMatchObject({
            signedInAt: '2026-05-04T03:02:01Z',
            renewedAt: '2026-05-04T03:02:02Z',
          })
          const { rows } = await sql<{ row: string }>`
            select to_json(kept)::text as row from etl.sign_in kept`.execute(db)
          expect(rows).toHaveLength(1)
          expect(rows[0]?.row).not.toContain('canary')
          expect(await tokenStoreOf(settingsOf(home), db, 'north').load()).toBeNull()
        }),
      ),
    ))

  test('a former key opens it until the next renewal, which takes the new one; a wrong key or a changed row is refused', () =>
    withDatabase((db) =>
      withHome(async (home) => {
        const [former, present] = [newKey(), newKey()]
        const store = (key: string) => tokenStoreOf(settingsOf(home, key), db, 'north')
        await store(former).save('canary')
        const failure = {
          code: 'auth.token_key',
          exitCode: 78,
          message: expect.not.stringContaining('canary'),
        }
        await expect(store(present).load()).rejects.toMatchObject(failure)
        const both = store(`${present}, ${former}`)
        expect(await both.load()).toBe('canary')
        await both.save('canary-2', { from: 'canary', seen: 'canary' })
        expect(await store(present).load()).toBe('canary-2')
        await expect(store(former).load()).rejects.toMatchObject(failure)
        await sql`
          update etl.sign_in set token = overlay(token placing 'AAAA' from length(token) - 30)`.execute(
          db,
        )
        await expect(store(present).load()).rejects.toMatchObject(failure)
      }),
    ))

  test('the file of a machine that gets a key is taken over by the first renewal', () =>
    withDatabase((db) =>
      withHome(async (home) => {
        await mkdir(home, { recursive: true })
        await createTokenStore(tokenFileOf(home, 'north'), () => at).save('of the file')
        const store = tokenStoreOf(settingsOf(home, newKey()), db, 'north')
        expect(await store.load()).toBe('of the file')
        await store.save('renewed', { from: 'of the file', seen: 'of the file' })
        expect(await store.load()).toBe('renewed')
        const age = await readSignInAge(settingsOf(home, newKey()), db, 'north')
        expect(age).toMatchObject({ signedInAt: '2026-05-04T03:02:01Z' })
        expect(await createTokenStore(tokenFileOf(home, 'north')).load()).toBe('of the file')
      }),
    ))

  test('a stored sign-in follows a rename unless the name has one, and goes with its account', () =>
    withDatabase((db) =>
      withHome(async (home) => {
        const config = settingsOf(home, newKey())
        await tokenStoreOf(config, db, 'north').save('canary')
        await tokenStoreOf(config, db, 'south').save('canary-2')
        expect(await renameSignIn(db, 'north', 'south')).toBe('kept')
        expect(await renameSignIn(db, 'north', 'west')).toBe('moved')
        expect(await renameSignIn(db, 'north', 'west')).toBe('none')
        expect(await tokenStoreOf(config, db, 'west').load()).toBe('canary')
        expect(await deleteSignIn(db, 'south')).toBe(true)
        expect(await deleteSignIn(db, 'south')).toBe(false)
      }),
    ))

  test('readers do not see it, and a login of cosell_loader renews it', () =>
    withDatabase((db, url) =>
      withHome(async (home) => {
        const config = settingsOf(home, newKey())
        await tokenStoreOf(config, db, 'north').save('canary')
        await asLogin(url, ['cosell_loader'], async ({ db: loader }) => {
          await tokenStoreOf(config, loader, 'north').save('canary-2')
          expect(await tokenStoreOf(config, loader, 'north').load()).toBe('canary-2')
        })
        for (const group of ['cosell_bi', 'cosell_pii']) {
          await asLogin(url, [group], async ({ db: reader }) => {
            await expect(sql`select token from etl.sign_in`.execute(reader)).rejects.toThrow(
              'permission denied',
            )
          })
        }
      }),
    ))
})

test('machines that renew at once do it one after the other: an API that accepts the newest token alone rejects none', () =>
  withSandbox({ referrals: 3, rotateRefreshToken: true, refreshTokensKept: 1 }, (sandbox) =>
    withDatabase((_, url) =>
      withHome(async (home) => {
        const config = settingsOf(home, newKey())
        const renew = async () => {
          // A machine of its own: another pool.
          const warehouse = await openDatabase(url)
          const api = createReferralsApi({
            apiUrl: sandbox.url,
            authorityUrl: sandbox.url,
            clientId: 'client-1',
            refreshToken: 'sandbox-refresh-token',
            tokenStore: tokenStoreOf(config, warehouse.query, 'north'),
            pageSize: 1,
            requestsPerMinute: 60_000,
            concurrency: 1,
            network: {},
            log: pino({ level: 'silent' }),
          })
          try {
            return (await api.getPage({ orderBy: 'createdDateTime asc' })).referrals.length
          } finally {
            await api.close()
            await warehouse.close()
          }
        }
        expect(await Promise.all(Array.from({ length: 6 }, renew))).toEqual([1, 1, 1, 1, 1, 1])
        const renewals = sandbox.requests.filter(({ url: path }) => /token/.test(path))
        expect(renewals.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200])
      }),
    ),
  ))
