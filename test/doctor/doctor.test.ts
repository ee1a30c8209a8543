import { randomUUID } from 'node:crypto'
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { describe, expect, inject, test } from 'vitest'
import { diagnosisJson, renderDiagnosis } from '../../src/cli/text/doctor.ts'
import { settings as settingsTable } from '../../src/config/settings.ts'
import { loadConfig } from '../../src/config.ts'
import type { DoctorContext } from '../../src/doctor/account-checks.ts'
import { databaseCheckNames } from '../../src/doctor/database-checks.ts'
import {
  type AccountCheckResult,
  type Diagnosis,
  diagnose,
  exitKindOf,
} from '../../src/doctor/doctor.ts'
import { readSignIns, warningOf } from '../../src/doctor/sign-in-age.ts'
import { CosellError } from '../../src/errors.ts'
import { enterAccount } from '../../src/load/runs/accounts.ts'
import { createLog } from '../../src/log.ts'
import { run } from '../../src/pipeline/run.ts'
import { readStatus } from '../../src/report/queries/status.ts'
import { sandboxSettings } from '../../src/sandbox/settings.ts'
import { openDatabase } from '../../src/warehouse/connection/database.ts'
import { startEmbedded, stopEmbedded } from '../../src/warehouse/embedded/embedded.ts'
import { withDatabase, withEmptyDatabase } from '../support/database.ts'
import { runAt } from '../support/global-setup.ts'
import { unnamedSource } from '../support/load-referrals.ts'
import { type Reply, withServer } from '../support/scripted-server.ts'
import {
  contextOf,
  failureOf,
  type Settings,
  withHome,
  withPipeline,
  withSandbox,
} from '../support/with-pipeline.ts'

const unreachable = 'http://127.0.0.1:9'
const closedDatabase = 'postgres://user:hidden-word@127.0.0.1:9/nowhere'
const accountChecks = [
  ...(['network', 'sign-in', 'role', 'clock', 'API', 'reviews', 'budget'] as const),
  'sign-in age',
]
const day = 86_400_000

/** High request rate: at the default one the probe alone takes a second and a half. */
const hurried = { COSELL_REQUESTS_PER_MINUTE: '60000' }

interface Examination extends Partial<DoctorContext> {
  readonly settings: Settings
  readonly home: string
}

/** Runs the doctor and collects output and log together, to search them for secrets. */
async function examine({ settings, home, ...more }: Examination) {
  const logged: string[] = []
  const diagnosis = await diagnose({
    config: loadConfig({ ...hurried, ...settings, COSELL_HOME: home }, {}, home),
    log: createLog({ isTerminal: false, write: (line) => logged.push(line) }),
    signal: new AbortController().signal,
    ...more,
  })
  const output = [
    renderDiagnosis(diagnosis),
    JSON.stringify(diagnosisJson(diagnosis)),
    ...logged,
  ].join('\n')
  return { ...diagnosis, output }
}

function resultOf({ checks }: Pick<Diagnosis, 'checks'>, check: string): AccountCheckResult {
  const result = checks.find((one) => one.check === check)
  if (result === undefined) throw new Error(`no check ${check}`)
  return result
}

const complaints = ({ checks }: Pick<Diagnosis, 'checks'>) =>
  checks.filter(({ status }) => status === 'warn' || status === 'fail').map(({ check }) => check)

/** Serves the sign-in of the sandbox, and scripted answers to the list call. */
function withApi(
  list: (index: number) => Reply,
  use: (settings: Settings) => Promise<void>,
): Promise<void> {
  let lists = 0
  return withServer(
    ({ path: asked }) =>
      asked.endsWith('/token')
        ? { body: { access_token: 'given', expires_in: 3600, token_type: 'Bearer' } }
        : list(lists++),
    async ({ url }) => use(sandboxSettings(url)),
  )
}

const aPage = { '@odata.count': 1, value: [{ id: 'R-1' }] }

describe('diagnose', () => {
  test('diagnose passes every check of a working setup and records the capabilities of the API', () =>
    withPipeline({ referrals: 130, count: 'total', rotateRefreshToken: true }, async (nights) => {
      await nights.run()
      const { sandbox, db, home, url } = nights
      const settings = {
        ...sandboxSettings(sandbox.url),
        COSELL_ACCOUNT: 'demo',
        COSELL_DATABASE_URL: url,
      }
      const diagnosis = await examine({ settings, home })
      expect(complaints(diagnosis), diagnosis.output).toEqual([])
      expect(diagnosis.checks.map(({ check }) => check)).toEqual([
        'home',
        'certificates',
        ...databaseCheckNames,
        ...accountChecks,
      ])
      expect(exitKindOf(diagnosis)).toBe('done')
      expect(resultOf(diagnosis, 'role').detail).toBe(
        '130 referrals are visible, 130 are in the warehouse',
      )
      expect(resultOf(diagnosis, 'clock').detail).toBe(
        'the API and this machine agree, the API and the database agree',
      )
      expect(diagnosis.settings['etl.setting missing_percent_max']).toBe('5')
      expect(resultOf(diagnosis, 'API').detail).toContain('updated filter bare')
      expect(resultOf(diagnosis, 'API').detail).toContain('(recorded)')
      expect(resultOf(diagnosis, 'API').detail).toContain('status filter yes')
      expect(resultOf(diagnosis, 'reviews').detail).toBe(
        'seen 0 decisions that moved updatedDateTime: a night looks at every registration ' +
          'that may change, until 60 in a row move it',
      )
      expect(resultOf(diagnosis, 'sign-in age').detail).toMatch(/^last renewed 0 days ago/)
      const kept = await db
        .selectFrom('etl.api_capability')
        .select('observed_value')
        .where('capability', '=', 'page_cap')
        .execute()
      expect(kept).toEqual([{ observed_value: '100' }])
    }))

  test('diagnose reports each of several accounts by its name', () =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, ({ url }) =>
        withDatabase(async (_, databaseUrl) => {
          const accounts = ['north', 'south'].map((account) => ({
            account,
            apiUrl: url,
            authorityUrl: url,
            clientId: 'sandbox',
            refreshToken: account === 'north' ? 'sandbox-refresh-token' : 'revoked',
          }))
          const file = path.join(home, 'accounts.json')
          await writeFile(file, JSON.stringify(accounts))
          const settings = { COSELL_ACCOUNTS_FILE: file, COSELL_DATABASE_URL: databaseUrl }
          const { checks, settings: inForce } = await examine({ settings, home })
          const failed = checks.filter(({ status }) => status === 'fail')
          expect(failed.map(({ account, check }) => [account, check])).toEqual([
            ['south', 'sign-in'],
          ])
          expect(checks.filter(({ account }) => account === 'north')).toHaveLength(8)
          expect(inForce['COSELL_API_URL (south)']).toBe(url)
          expect(inForce.COSELL_ACCOUNT).toBe('north, south')
        }),
      ),
    ))
})

describe('the settings in force', () => {
  const secrets = {
    COSELL_CLIENT_SECRET: 'canary-client-secret',
    COSELL_REFRESH_TOKEN: 'canary-refresh-token',
    COSELL_PING_URL: 'http://127.0.0.1:9/canary-ping',
    COSELL_DATABASE_URL: 'postgres://loader:canary-word@127.0.0.1:9/sales?password=canary-two',
  }

  test('diagnose lists every setting in force and shows or logs no secret', () =>
    withHome((home) =>
      withSandbox({ referrals: 5, refreshToken: 'canary-refresh-token' }, async ({ url }) => {
        const settings = { ...sandboxSettings(url), ...secrets }
        const { settings: inForce, output } = await examine({ settings, home })
        // The accounts file becomes the accounts; every other setting is in the list.
        expect([...Object.keys(inForce), 'COSELL_ACCOUNTS_FILE'].sort()).toEqual(
          Object.keys(settingsTable).sort(),
        )
        expect(inForce).toMatchObject({
          COSELL_CLIENT_SECRET: 'set',
          COSELL_REFRESH_TOKEN: 'set',
          COSELL_ACCESS_TOKEN: 'not set',
          COSELL_PING_URL: 'set',
          COSELL_DATABASE_URL: 'postgres://loader@127.0.0.1:9/sales',
          COSELL_PAGE_SIZE: '100',
        })
        expect(output).not.toContain('canary')
      }),
    ))

  test('the home check fails on a folder that cannot be written', () =>
    withHome(async (home) => {
      const file = path.join(home, 'a-file')
      await writeFile(file, '')
      const settings = { COSELL_DATABASE_URL: closedDatabase, COSELL_ACCESS_TOKEN: 'x' }
      const given = { ...settings, COSELL_API_URL: unreachable }
      const config = loadConfig({ ...given, COSELL_HOME: path.join(file, 'home') }, {}, home)
      const diagnosis = await examine({ settings: given, home, config, accountTimeoutMs: 200 })
      expect(resultOf(diagnosis, 'home')).toMatchObject({ status: 'fail', kind: 'configuration' })
      expect(resultOf(diagnosis, 'home').remedy).toContain('COSELL_HOME')
      expect(exitKindOf(diagnosis)).toBe('configuration')
    }))
})

describe('the database', () => {
  test('diagnose checks the API while the database is down', () =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, async ({ url }) => {
        const settings = { ...sandboxSettings(url), COSELL_DATABASE_URL: closedDatabase }
        const diagnosis = await examine({ settings, home })
        expect(complaints(diagnosis)).toEqual(['database'])
        expect(resultOf(diagnosis, 'database').detail).toContain(
          'cannot connect (connect ECONNREFUSED 127.0.0.1:9)',
        )
        expect(resultOf(diagnosis, 'database').remedy).toContain('fix COSELL_DATABASE_URL')
        expect(resultOf(diagnosis, 'rights').status).toBe('skipped')
        expect(resultOf(diagnosis, 'sign-in').status).toBe('ok')
        expect(resultOf(diagnosis, 'API').detail).toContain('(not recorded: no schema')
        expect(exitKindOf(diagnosis)).toBe('tryAgainLater')
        expect(diagnosis.output).not.toContain('hidden-word')
      }),
    ))

  test('diagnose leaves an empty database empty', () =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, ({ url }) =>
        withEmptyDatabase(async (db, databaseUrl) => {
          const settings = { ...sandboxSettings(url), COSELL_DATABASE_URL: databaseUrl }
          const diagnosis = await examine({ settings, home })
          expect(complaints(diagnosis)).toEqual(['schema'])
          expect(resultOf(diagnosis, 'schema').remedy).toContain('`cosell migrate`')
          expect(exitKindOf(diagnosis)).toBe('done')
          const { rows } = await sql`select from pg_namespace where nspname = 'etl'`.execute(db)
          expect(rows).toEqual([])
        }),
      ),
    ))

  test('diagnose does not create the embedded database', () =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, async ({ url }) => {
        const diagnosis = await examine({ settings: sandboxSettings(url), home })
        expect(resultOf(diagnosis, 'database')).toMatchObject({
          status: 'warn',
          detail: 'the embedded warehouse does not exist yet',
        })
        expect(resultOf(diagnosis, 'database').remedy).toContain('`cosell run` creates it')
        expect(resultOf(diagnosis, 'role').status).toBe('ok')
        expect(await readdir(home)).not.toContain('postgres')
      }),
    ))

  test('diagnose starts the embedded database and stops it again', () =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, async ({ url }) => {
        const options = {
          home,
          path: process.env.PATH ?? '',
          binDir: process.env.COSELL_PG_BINDIR,
          osUser: process.env.COSELL_PG_OS_USER,
        }
        await (await startEmbedded(options)).stop()
        const settings = sandboxSettings(url)
        const config = {
          ...loadConfig({ ...settings, COSELL_HOME: home }, {}, home),
          path: options.path,
          postgresBinDir: options.binDir,
          postgresOsUser: options.osUser,
        }
        const diagnosis = await examine({ settings, home, config })
        expect(resultOf(diagnosis, 'database').status).toBe('ok')
        expect(resultOf(diagnosis, 'schema').detail).toBe('not migrated yet')
        const { wasRunning } = await stopEmbedded(options)
        expect(wasRunning, 'it was still running').toBe(false)
      }),
    ))

  test('a role with the rights of the remedy can run every night', () =>
    withPipeline({ referrals: 30, count: 'total' }, async ({ sandbox, db, url, home }) => {
      const entrance = inject('databaseUrl')
      const role = `cosell_role_${randomUUID().replaceAll('-', '')}`
      const password = randomUUID()
      await runAt(entrance, sql`create role ${sql.id(role)} login password ${sql.lit(password)}`)
      try {
        const roleUrl = new URL(url)
        roleUrl.username = role
        roleUrl.password = password
        const settings = {
          ...sandboxSettings(sandbox.url),
          COSELL_DATABASE_URL: roleUrl.href,
        }
        const denied = resultOf(await examine({ settings, home }), 'rights')
        expect(denied.status).toBe('fail')
        for (const [statement] of (denied.remedy ?? '').matchAll(/grant [^;]*;/g)) {
          await sql.raw(statement).execute(db)
        }
        const warehouse = await openDatabase(roleUrl.href)
        try {
          const summary = await run(contextOf(warehouse, home, [], settings), false)
          expect(summary).toMatchObject({ seen: 30, changed: 30 })
        } finally {
          await warehouse.close()
        }
        const diagnosis = await examine({ settings, home })
        // Before PostgreSQL 17 there is no right to analyze.
        const others = complaints(diagnosis).filter((check) => check !== 'rights')
        expect(others).toEqual([])
        expect(resultOf(diagnosis, 'rights').detail).toMatch(/^has all|may not analyze/)
        expect(resultOf(diagnosis, 'API').detail).toContain('(recorded)')
      } finally {
        await sql`drop owned by ${sql.id(role)}`.execute(db)
        await runAt(entrance, sql`drop role ${sql.id(role)}`)
      }
    }))
})

describe('the sign-in', () => {
  test.each<{ number: number; error: string; remedy: string; kind: string }>([
    { number: 700082, error: 'invalid_grant', remedy: 'has to sign in again', kind: 'signIn' },
    { number: 50076, error: 'interaction_required', remedy: 'multi-factor', kind: 'signIn' },
    {
      number: 7000222,
      error: 'invalid_client',
      remedy: 'create a new secret',
      kind: 'configuration',
    },
  ])(
    'the sign-in check names the remedy for Entra error $number',
    ({ number, error, ...expected }) =>
      withHome((home) =>
        withSandbox({ referrals: 5, signInError: { error, number } }, async ({ url }) => {
          const settings = { ...sandboxSettings(url), COSELL_DATABASE_URL: closedDatabase }
          const diagnosis = await examine({ settings, home })
          const result = resultOf(diagnosis, 'sign-in')
          expect(result).toMatchObject({ status: 'fail', kind: expected.kind })
          expect(result.detail).toContain(`AADSTS${number}`)
          expect(result.remedy).toContain(expected.remedy)
          for (const check of ['role', 'clock', 'API']) {
            expect(resultOf(diagnosis, check).status).toBe('skipped')
          }
          expect(exitKindOf(diagnosis)).toBe(expected.kind)
        }),
      ),
  )

  test.each<{ status: number; codes: string[]; failing: string; remedy: string }>([
    { status: 401, codes: ['900421'], failing: 'sign-in', remedy: 'multi-factor authentication' },
    { status: 401, codes: ['unAuthorized'], failing: 'sign-in', remedy: 'right tenant' },
    { status: 403, codes: ['accessDenied'], failing: 'role', remedy: 'role Referrals admin' },
    { status: 403, codes: ['insufficient_claims'], failing: 'sign-in', remedy: 'sign in again' },
  ])(
    'the $failing check fails when the API answers $status $codes',
    ({ status, codes, ...expected }) =>
      withHome((home) =>
        withApi(
          () => ({ status, body: { error: { code: codes[0], message: 'canary' } } }),
          async (settings) => {
            const given = { ...settings, COSELL_DATABASE_URL: closedDatabase }
            const diagnosis = await examine({ settings: given, home })
            expect(complaints(diagnosis)).toEqual(['database', expected.failing])
            expect(resultOf(diagnosis, expected.failing).remedy).toContain(expected.remedy)
            expect(exitKindOf(diagnosis)).toBe('signIn')
            expect(diagnosis.output).not.toContain('canary')
          },
        ),
      ),
  )

  test('the sign-in check names `cosell login` when no user has signed in', () =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, async ({ url }) => {
        const settings = { ...sandboxSettings(url), COSELL_REFRESH_TOKEN: '' }
        const diagnosis = await examine({ settings, home })
        expect(resultOf(diagnosis, 'sign-in')).toMatchObject({ status: 'fail', kind: 'signIn' })
        expect(resultOf(diagnosis, 'sign-in').remedy).toContain('`cosell login`')
      }),
    ))

  test('the sign-in check names the setting of a missing application', () =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, async ({ url }) => {
        const settings = { ...sandboxSettings(url), COSELL_CLIENT_ID: '' }
        const diagnosis = await examine({ settings, home })
        const { status, kind, detail } = resultOf(diagnosis, 'sign-in')
        expect({ status, kind }).toEqual({ status: 'fail', kind: 'configuration' })
        expect(detail).toContain('COSELL_CLIENT_ID')
      }),
    ))

  test('the sign-in check of a given access token names its setting and skips the age', () =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, async ({ url }) => {
        const settings = { ...sandboxSettings(url), COSELL_ACCESS_TOKEN: 'canary-token' }
        const diagnosis = await examine({ settings, home })
        expect(resultOf(diagnosis, 'sign-in').detail).toContain('COSELL_ACCESS_TOKEN')
        expect(resultOf(diagnosis, 'sign-in')).toMatchObject({ status: 'fail', kind: 'signIn' })
        expect(resultOf(diagnosis, 'sign-in age').status).toBe('skipped')
        expect(diagnosis.output).not.toContain('canary')
      }),
    ))
})

describe('the age of the sign-in', () => {
  const store = async (home: string, renewedAt: string, mode = 0o600) => {
    const file = path.join(home, 'tokens', 'default.json')
    await mkdir(path.dirname(file))
    const content = { refresh_token: 'sandbox-refresh-token', renewed_at: renewedAt }
    const signedIn = { signed_in_at: '2026-01-31T05:00:00.000Z' }
    await writeFile(file, JSON.stringify({ ...content, ...signedIn }), { mode })
    await chmod(file, mode)
  }
  const now = Date.parse('2026-06-30T05:00:00Z')

  test.each<{ idleDays: number; status: string; remedy: string }>([
    { idleDays: 1, status: 'ok', remedy: '' },
    { idleDays: 74, status: 'ok', remedy: '' },
    { idleDays: 75, status: 'warn', remedy: 'Let the nightly job run within 15 days:' },
    { idleDays: 89, status: 'warn', remedy: 'within 1 day:' },
    { idleDays: 90, status: 'warn', remedy: 'has to sign in again with `cosell login`' },
  ])(
    'the age check of a sign-in of $idleDays idle days is $status',
    ({ idleDays, status, remedy }) =>
      withHome((home) =>
        withSandbox({ referrals: 5, refreshToken: 'another' }, async ({ url }) => {
          await store(home, new Date(now - idleDays * day).toISOString())
          const settings = { ...sandboxSettings(url), COSELL_DATABASE_URL: closedDatabase }
          const diagnosis = await examine({ settings, home, now: () => now })
          const result = resultOf(diagnosis, 'sign-in age')
          const days = idleDays === 1 ? '1 day' : `${idleDays} days`
          expect(result.status).toBe(status)
          expect(result.detail).toBe(`last renewed ${days} ago, signed in on 2026-01-31`)
          expect(result.remedy ?? '').toContain(remedy)
          expect(warningOf(idleDays) ?? undefined).toBe(result.remedy)
          expect(resultOf(diagnosis, 'sign-in').status).toBe('fail')
        }),
      ),
  )

  test('the age check of an old sign-in that works warns about the nightly job', () =>
    withHome((home) =>
      withSandbox({ referrals: 5, rotateRefreshToken: true }, async ({ url }) => {
        await store(home, new Date(Date.now() - 80 * day).toISOString())
        const settings = { ...sandboxSettings(url), COSELL_DATABASE_URL: closedDatabase }
        const result = resultOf(await examine({ settings, home }), 'sign-in age')
        expect(result.status).toBe('warn')
        expect(result.detail).toContain('last renewed 80 days ago')
        expect(result.detail).toContain('used just now by this check')
        expect(result.remedy).toContain('Make sure that the nightly job runs')
        const again = resultOf(await examine({ settings, home }), 'sign-in age')
        expect(again).toMatchObject({ status: 'ok' })
        expect(again.detail).toContain('last renewed 0 days ago')
      }),
    ))

  test('the age check fails on a token file that others may read', () =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, async ({ url }) => {
        await store(home, new Date(now).toISOString(), 0o644)
        const settings = { ...sandboxSettings(url), COSELL_DATABASE_URL: closedDatabase }
        const diagnosis = await examine({ settings, home })
        const result = resultOf(diagnosis, 'sign-in age')
        expect(result).toMatchObject({ status: 'fail', kind: 'configuration' })
        expect(result.detail).toContain('expected mode 0600, got 0644')
        expect(result.remedy).toContain('chmod 600')
      }),
    ))

  test('readSignIns adds the age of the sign-in to the status of every account', () =>
    withPipeline({ referrals: 5 }, async ({ db, home, run: night }) => {
      await night(false, { COSELL_ACCOUNT: 'default' })
      await enterAccount(db, { name: 'other', tenantId: undefined }, unnamedSource)
      const renewedAt = new Date(now - 80 * day).toISOString()
      await store(home, renewedAt)
      const config = loadConfig({ COSELL_HOME: home }, {}, home)
      const statuses = await readStatus(db, await readSignIns(config, undefined, now))
      expect(statuses).toMatchObject([
        {
          account: 'default',
          signed_in_at: '2026-01-31T05:00:00.000Z',
          sign_in_renewed_at: renewedAt,
          sign_in_idle_days: 80,
          sign_in_warning: warningOf(80),
        },
        {
          account: 'other',
          signed_in_at: null,
          sign_in_renewed_at: null,
          sign_in_idle_days: null,
          sign_in_warning: null,
        },
      ])
    }))
})

describe('the API', () => {
  test('diagnose checks the database while the API is down', () =>
    withHome((home) =>
      withDatabase(async (_, url) => {
        const settings = { ...sandboxSettings(unreachable), COSELL_DATABASE_URL: url }
        const diagnosis = await examine({ settings, home })
        expect(complaints(diagnosis)).toEqual(['sign-in'])
        const result = resultOf(diagnosis, 'sign-in')
        expect(result).toMatchObject({ status: 'fail', kind: 'tryAgainLater' })
        expect(result.remedy).toContain('Check COSELL_AUTHORITY_URL and the network')
        expect(exitKindOf(diagnosis)).toBe('tryAgainLater')
      }),
    ))

  test('diagnose stops checking an API that keeps failing after the account timeout', () =>
    withHome((home) =>
      withApi(
        () => ({ status: 503, headers: { 'retry-after': '600' } }),
        async (settings) => {
          const given = { ...settings, COSELL_DATABASE_URL: closedDatabase }
          const diagnosis = await examine({ settings: given, home, accountTimeoutMs: 500 })
          expect(resultOf(diagnosis, 'sign-in').status).toBe('ok')
          expect(resultOf(diagnosis, 'role')).toMatchObject({
            status: 'fail',
            kind: 'tryAgainLater',
            detail: expect.stringContaining('took longer than 0.5 s'),
            remedy: expect.stringContaining('later'),
          })
        },
      ),
    ))

  test('the API checks fail as sourceBroken when another service answers', () =>
    withHome((home) =>
      withApi(
        () => ({ status: 400, body: { error: { code: 'invalidRequest' } } }),
        async (settings) => {
          const given = { ...settings, COSELL_DATABASE_URL: closedDatabase }
          const diagnosis = await examine({ settings: given, home })
          expect(resultOf(diagnosis, 'role')).toMatchObject({ kind: 'sourceBroken' })
          expect(exitKindOf(diagnosis)).toBe('sourceBroken')
        },
      ),
    ))

  test('the clock check warns of an API clock ten minutes ahead and names the machine', () =>
    withHome((home) =>
      withDatabase((_, url) =>
        withApi(
          () => ({
            headers: { date: new Date(Date.now() + 10 * 60_000).toUTCString() },
            body: aPage,
          }),
          async (settings) => {
            const given = { ...settings, COSELL_DATABASE_URL: url }
            const result = resultOf(await examine({ settings: given, home }), 'clock')
            expect(result.status).toBe('warn')
            expect(result.detail).toContain('the API is 10 minutes ahead of this machine')
            expect(result.detail).toContain('the API is 10 minutes ahead of the database')
            expect(result.remedy).toContain('Let this machine and the database server follow')
          },
        ),
      ),
    ))

  test('the budget check warns when the API throttles the checks', () =>
    withHome((home) =>
      withApi(
        (index) =>
          index === 0 ? { status: 429, headers: { 'retry-after': '1' } } : { body: aPage },
        async (settings) => {
          const given = { ...settings, COSELL_DATABASE_URL: closedDatabase }
          const result = resultOf(await examine({ settings: given, home }), 'budget')
          expect(result.status).toBe('warn')
          expect(result.detail).toMatch(/1 of \d+ requests of this check were throttled/)
          expect(result.remedy).toContain('COSELL_REQUESTS_PER_MINUTE')
        },
      ),
    ))

  test('the API check alone fails when answers to the probe are broken', () =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, async ({ url }) => {
        const settings = { ...sandboxSettings(url), COSELL_DATABASE_URL: closedDatabase }
        const probe = async () => {
          throw new CosellError('paging.endless', 'It loops. Report it.')
        }
        const diagnosis = await examine({ settings, home, probe })
        expect(complaints(diagnosis)).toEqual(['database', 'API'])
        expect(resultOf(diagnosis, 'API')).toMatchObject({
          detail: 'It loops',
          remedy: 'Report it.',
        })
        expect(exitKindOf(diagnosis)).toBe('sourceBroken')
      }),
    ))
})

describe('the role check', () => {
  test('the role check warns of fewer visible referrals than were loaded and names the role', () =>
    withPipeline({ referrals: 60, count: 'total' }, async ({ sandbox, url, home, run: night }) => {
      await night()
      sandbox.vanish(10)
      const settings = {
        ...sandboxSettings(sandbox.url),
        COSELL_ACCOUNT: 'demo',
        COSELL_DATABASE_URL: url,
      }
      const diagnosis = await examine({ settings, home })
      expect(complaints(diagnosis)).toEqual(['role'])
      const result = resultOf(diagnosis, 'role')
      expect(result.detail).toBe('50 referrals are visible, 60 are in the warehouse')
      expect(result.remedy).toContain('Referrals admin of the entire company')
    }))

  test('the role check warns when no referral is visible', () =>
    withHome((home) =>
      withSandbox({ referrals: 0 }, async ({ url }) => {
        const settings = { ...sandboxSettings(url), COSELL_DATABASE_URL: closedDatabase }
        const result = resultOf(await examine({ settings, home }), 'role')
        expect(result).toMatchObject({ status: 'warn', detail: '0 referrals are visible' })
      }),
    ))

  test('the role check passes when the API does not report a total', () =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, async ({ url }) => {
        const settings = { ...sandboxSettings(url), COSELL_DATABASE_URL: closedDatabase }
        const result = resultOf(await examine({ settings, home }), 'role')
        expect(result.status).toBe('ok')
        expect(result.detail).toContain('does not report the number of referrals')
      }),
    ))
})

test('diagnose ends with the reason of an interruption', () =>
  withHome((home) =>
    withApi(
      () => ({ by: () => undefined }),
      async (settings) => {
        const stop = new AbortController()
        const reason = new CosellError('signal.interrupted', 'Stopped.')
        setTimeout(() => stop.abort(reason), 300)
        const given = { ...settings, COSELL_DATABASE_URL: closedDatabase }
        const { signal } = stop
        expect(await failureOf(examine({ settings: given, home, signal }))).toBe(reason)
      },
    ),
  ))

test.each<{ kinds: NonNullable<AccountCheckResult['kind']>[]; expected: string }>([
  { kinds: [], expected: 'done' },
  { kinds: ['tryAgainLater'], expected: 'tryAgainLater' },
  { kinds: ['tryAgainLater', 'sourceBroken'], expected: 'sourceBroken' },
  { kinds: ['sourceBroken', 'signIn'], expected: 'signIn' },
  { kinds: ['tryAgainLater', 'signIn', 'configuration'], expected: 'configuration' },
  { kinds: ['bug', 'tryAgainLater'], expected: 'tryAgainLater' },
  { kinds: ['bug'], expected: 'bug' },
])('exitKindOf failures $kinds is $expected', ({ kinds, expected }) => {
  const fine: AccountCheckResult = { check: 'home', status: 'warn', detail: 'no failure' }
  const failed = kinds.map((kind) => ({ ...fine, status: 'fail' as const, kind }))
  expect(exitKindOf({ checks: [fine, ...failed] })).toBe(expected)
})
