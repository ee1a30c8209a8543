import { randomUUID } from 'node:crypto'
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { describe, expect, inject, test } from 'vitest'
import { sandboxSettings } from '../../src/cli/commands/demo.ts'
import { renderDiagnosis, toJson } from '../../src/cli/text/doctor.ts'
import { loadConfig, variableNames } from '../../src/config.ts'
import type { Doctor } from '../../src/doctor/account-checks.ts'
import { databaseChecks } from '../../src/doctor/database-checks.ts'
import {
  type AccountVerdict,
  type Diagnosis,
  diagnose,
  exitKindOf,
} from '../../src/doctor/doctor.ts'
import { readSignIns, warningOf } from '../../src/doctor/sign-in-age.ts'
import { CosellError } from '../../src/errors.ts'
import { createLog } from '../../src/log.ts'
import { run } from '../../src/pipeline/run.ts'
import { readStatus } from '../../src/report/queries/status.ts'
import { openDatabase } from '../../src/warehouse/connection/database.ts'
import { startEmbedded, stopEmbedded } from '../../src/warehouse/embedded/embedded.ts'
import { withDatabase, withEmptyDatabase } from '../support/database.ts'
import { runAt } from '../support/global-setup.ts'
import { type Reply, withServer } from '../support/scripted-server.ts'
import {
  environmentOf,
  failureOf,
  type Settings,
  withHome,
  withNights,
  withSandbox,
} from '../support/with-pipeline.ts'

const nobody = 'http://127.0.0.1:9'
const closedDatabase = 'postgres://somebody:hidden-word@127.0.0.1:9/nowhere'
const accountChecks = ['sign-in', 'role', 'clock', 'API', 'budget', 'sign-in age']
const day = 86_400_000

/** The probe alone would take a second and a half at the polite rate. */
const hurried = { COSELL_REQUESTS_PER_MINUTE: '60000' }

interface Examination extends Partial<Doctor> {
  readonly settings: Settings
  readonly home: string
}

/** Asks the doctor; the log goes into the same list as what is told, for a look at secrets. */
async function examine({ settings, home, ...more }: Examination) {
  const logged: string[] = []
  const diagnosis = await diagnose({
    config: loadConfig({ ...hurried, ...settings, COSELL_HOME: home }, {}, home),
    log: createLog({ isTerminal: false, write: (line) => logged.push(line) }),
    signal: new AbortController().signal,
    ...more,
  })
  const told = [renderDiagnosis(diagnosis), JSON.stringify(toJson(diagnosis)), ...logged].join('\n')
  return { ...diagnosis, told }
}

function verdictFor({ checks }: Pick<Diagnosis, 'checks'>, check: string): AccountVerdict {
  const verdict = checks.find((one) => one.check === check)
  if (verdict === undefined) throw new Error(`no check ${check}`)
  return verdict
}

const complaints = ({ checks }: Pick<Diagnosis, 'checks'>) =>
  checks.filter(({ status }) => status === 'warn' || status === 'fail').map(({ check }) => check)

/** The sign-in service as it is, and the list as told. */
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

describe('a machine, a database and an account that are in order', () => {
  test('pass every check, and what the API accepts is recorded', () =>
    withNights({ referrals: 130, count: 'total', rotateRefreshToken: true }, async (nights) => {
      await nights.run()
      const { sandbox, db, home, url } = nights
      const settings = {
        ...sandboxSettings(sandbox.url),
        COSELL_ACCOUNT: 'demo',
        COSELL_DATABASE_URL: url,
      }
      const diagnosis = await examine({ settings, home })
      expect(complaints(diagnosis), diagnosis.told).toEqual([])
      expect(diagnosis.checks.map(({ check }) => check)).toEqual([
        'home',
        ...databaseChecks,
        ...accountChecks,
      ])
      expect(exitKindOf(diagnosis)).toBe('done')
      expect(verdictFor(diagnosis, 'role').detail).toBe(
        '130 referrals are visible, 130 are in the warehouse',
      )
      expect(verdictFor(diagnosis, 'clock').detail).toBe(
        'the API and this machine agree, the API and the database agree',
      )
      expect(diagnosis.settings['etl.setting missing_percent_max']).toBe('5')
      expect(verdictFor(diagnosis, 'API').detail).toContain('updated filter bare')
      expect(verdictFor(diagnosis, 'API').detail).toContain('(recorded)')
      expect(verdictFor(diagnosis, 'sign-in age').detail).toMatch(/^last renewed 0 days ago/)
      const kept = await db
        .selectFrom('etl.api_capability')
        .select('observed_value')
        .where('capability', '=', 'page_cap')
        .execute()
      expect(kept).toEqual([{ observed_value: '100' }])
    }))

  test('of several accounts are told apart', () =>
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
          expect(checks.filter(({ account }) => account === 'north')).toHaveLength(6)
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

  test('are all there, and no secret is in what is told or logged', () =>
    withHome((home) =>
      withSandbox({ referrals: 5, refreshToken: 'canary-refresh-token' }, async ({ url }) => {
        const settings = { ...sandboxSettings(url), ...secrets }
        const { settings: inForce, told } = await examine({ settings, home })
        // The file is read into the accounts; the rest of the names is in the list.
        expect([...Object.keys(inForce), 'COSELL_ACCOUNTS_FILE'].sort()).toEqual(
          [...variableNames].sort(),
        )
        expect(inForce).toMatchObject({
          COSELL_CLIENT_SECRET: 'set',
          COSELL_REFRESH_TOKEN: 'set',
          COSELL_ACCESS_TOKEN: 'not set',
          COSELL_PING_URL: 'set',
          COSELL_DATABASE_URL: 'postgres://loader@127.0.0.1:9/sales',
          COSELL_PAGE_SIZE: '100',
        })
        expect(told).not.toContain('canary')
      }),
    ))

  test('that name a folder nobody can write are refused', () =>
    withHome(async (home) => {
      const file = path.join(home, 'a-file')
      await writeFile(file, '')
      const settings = { COSELL_DATABASE_URL: closedDatabase, COSELL_ACCESS_TOKEN: 'x' }
      const given = { ...settings, COSELL_API_URL: nobody }
      const config = loadConfig({ ...given, COSELL_HOME: path.join(file, 'home') }, {}, home)
      const diagnosis = await examine({ settings: given, home, config, accountMsMax: 200 })
      expect(verdictFor(diagnosis, 'home')).toMatchObject({ status: 'fail', kind: 'configuration' })
      expect(verdictFor(diagnosis, 'home').remedy).toContain('COSELL_HOME')
      expect(exitKindOf(diagnosis)).toBe('configuration')
    }))
})

describe('the database', () => {
  test('that is down does not keep the API from being looked at', () =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, async ({ url }) => {
        const settings = { ...sandboxSettings(url), COSELL_DATABASE_URL: closedDatabase }
        const diagnosis = await examine({ settings, home })
        expect(complaints(diagnosis)).toEqual(['database'])
        expect(verdictFor(diagnosis, 'database').detail).toContain('No PostgreSQL answers at 127.0')
        expect(verdictFor(diagnosis, 'database').remedy).toContain('mend COSELL_DATABASE_URL')
        expect(verdictFor(diagnosis, 'rights').status).toBe('skipped')
        expect(verdictFor(diagnosis, 'sign-in').status).toBe('ok')
        expect(verdictFor(diagnosis, 'API').detail).toContain('(not recorded: no schema')
        expect(exitKindOf(diagnosis)).toBe('tryAgainLater')
        expect(diagnosis.told).not.toContain('hidden-word')
      }),
    ))

  test('that is empty stays so', () =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, ({ url }) =>
        withEmptyDatabase(async (db, databaseUrl) => {
          const settings = { ...sandboxSettings(url), COSELL_DATABASE_URL: databaseUrl }
          const diagnosis = await examine({ settings, home })
          expect(complaints(diagnosis)).toEqual(['schema'])
          expect(verdictFor(diagnosis, 'schema').remedy).toContain('`cosell migrate`')
          expect(exitKindOf(diagnosis)).toBe('done')
          const { rows } = await sql`select from pg_namespace where nspname = 'etl'`.execute(db)
          expect(rows).toEqual([])
        }),
      ),
    ))

  test('that is embedded and was never made is not made', () =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, async ({ url }) => {
        const diagnosis = await examine({ settings: sandboxSettings(url), home })
        expect(verdictFor(diagnosis, 'database')).toMatchObject({
          status: 'warn',
          detail: 'the embedded warehouse is not there yet',
        })
        expect(verdictFor(diagnosis, 'database').remedy).toContain('`cosell run` makes it')
        expect(verdictFor(diagnosis, 'role').status).toBe('ok')
        expect(await readdir(home)).not.toContain('postgres')
      }),
    ))

  test('that is embedded is started, and stopped again', () =>
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
        expect(verdictFor(diagnosis, 'database').status).toBe('ok')
        expect(verdictFor(diagnosis, 'schema').detail).toBe('not migrated yet')
        expect(await stopEmbedded(options), 'it was still running').toBe(false)
      }),
    ))

  test('lets a role with the rights of the remedy run every night', () =>
    withNights({ referrals: 30, count: 'total' }, async ({ sandbox, db, url, home }) => {
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
        const refused = verdictFor(await examine({ settings, home }), 'rights')
        expect(refused.status).toBe('fail')
        for (const [statement] of (refused.remedy ?? '').matchAll(/grant [^;]*;/g)) {
          await sql.raw(statement).execute(db)
        }
        const warehouse = await openDatabase(roleUrl.href)
        try {
          const summary = await run(environmentOf(warehouse, home, [], settings), false)
          expect(summary).toMatchObject({ seen: 30, changed: 30 })
        } finally {
          await warehouse.close()
        }
        const diagnosis = await examine({ settings, home })
        // Before PostgreSQL 17 there is no right to analyze.
        const others = complaints(diagnosis).filter((check) => check !== 'rights')
        expect(others).toEqual([])
        expect(verdictFor(diagnosis, 'rights').detail).toMatch(/^has all|may not analyze/)
        expect(verdictFor(diagnosis, 'API').detail).toContain('(recorded)')
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
    'that Entra refuses with $number is told with who must do what',
    ({ number, error, ...told }) =>
      withHome((home) =>
        withSandbox({ referrals: 5, signInError: { error, number } }, async ({ url }) => {
          const settings = { ...sandboxSettings(url), COSELL_DATABASE_URL: closedDatabase }
          const diagnosis = await examine({ settings, home })
          const verdict = verdictFor(diagnosis, 'sign-in')
          expect(verdict).toMatchObject({ status: 'fail', kind: told.kind })
          expect(verdict.detail).toContain(`AADSTS${number}`)
          expect(verdict.remedy).toContain(told.remedy)
          for (const check of ['role', 'clock', 'API']) {
            expect(verdictFor(diagnosis, check).status).toBe('skipped')
          }
          expect(exitKindOf(diagnosis)).toBe(told.kind)
        }),
      ),
  )

  test.each<{ status: number; codes: string[]; failing: string; remedy: string }>([
    { status: 401, codes: ['900421'], failing: 'sign-in', remedy: 'multi-factor authentication' },
    { status: 401, codes: ['unAuthorized'], failing: 'sign-in', remedy: 'right tenant' },
    { status: 403, codes: ['accessDenied'], failing: 'role', remedy: 'role Referrals admin' },
    { status: 403, codes: ['insufficient_claims'], failing: 'sign-in', remedy: 'sign in again' },
  ])('that the API answers with $status $codes fails $failing', ({ status, codes, ...told }) =>
    withHome((home) =>
      withApi(
        () => ({ status, body: { error: { code: codes[0], message: 'canary' } } }),
        async (settings) => {
          const given = { ...settings, COSELL_DATABASE_URL: closedDatabase }
          const diagnosis = await examine({ settings: given, home })
          expect(complaints(diagnosis)).toEqual(['database', told.failing])
          expect(verdictFor(diagnosis, told.failing).remedy).toContain(told.remedy)
          expect(exitKindOf(diagnosis)).toBe('signIn')
          expect(diagnosis.told).not.toContain('canary')
        },
      ),
    ),
  )

  test('of nobody is told with what to run', () =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, async ({ url }) => {
        const settings = { ...sandboxSettings(url), COSELL_REFRESH_TOKEN: '' }
        const diagnosis = await examine({ settings, home })
        expect(verdictFor(diagnosis, 'sign-in')).toMatchObject({ status: 'fail', kind: 'signIn' })
        expect(verdictFor(diagnosis, 'sign-in').remedy).toContain('`cosell login`')
      }),
    ))

  test('without an application is told with the setting', () =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, async ({ url }) => {
        const settings = { ...sandboxSettings(url), COSELL_CLIENT_ID: '' }
        const diagnosis = await examine({ settings, home })
        const { status, kind, detail } = verdictFor(diagnosis, 'sign-in')
        expect({ status, kind }).toEqual({ status: 'fail', kind: 'configuration' })
        expect(detail).toContain('COSELL_CLIENT_ID')
      }),
    ))

  test('with a given token has no age, and its refusal names the setting', () =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, async ({ url }) => {
        const settings = { ...sandboxSettings(url), COSELL_ACCESS_TOKEN: 'canary-token' }
        const diagnosis = await examine({ settings, home })
        expect(verdictFor(diagnosis, 'sign-in').detail).toContain('COSELL_ACCESS_TOKEN')
        expect(verdictFor(diagnosis, 'sign-in')).toMatchObject({ status: 'fail', kind: 'signIn' })
        expect(verdictFor(diagnosis, 'sign-in age').status).toBe('skipped')
        expect(diagnosis.told).not.toContain('canary')
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
  ])('of $idleDays days is $status', ({ idleDays, status, remedy }) =>
    withHome((home) =>
      withSandbox({ referrals: 5, refreshToken: 'another' }, async ({ url }) => {
        await store(home, new Date(now - idleDays * day).toISOString())
        const settings = { ...sandboxSettings(url), COSELL_DATABASE_URL: closedDatabase }
        const diagnosis = await examine({ settings, home, now: () => now })
        const verdict = verdictFor(diagnosis, 'sign-in age')
        const days = idleDays === 1 ? '1 day' : `${idleDays} days`
        expect(verdict.status).toBe(status)
        expect(verdict.detail).toBe(`last renewed ${days} ago, signed in on 2026-01-31`)
        expect(verdict.remedy ?? '').toContain(remedy)
        expect(warningOf(idleDays) ?? undefined).toBe(verdict.remedy)
        expect(verdictFor(diagnosis, 'sign-in').status).toBe('fail')
      }),
    ),
  )

  test('that was old and is alive is a warning about the nightly job', () =>
    withHome((home) =>
      withSandbox({ referrals: 5, rotateRefreshToken: true }, async ({ url }) => {
        await store(home, new Date(Date.now() - 80 * day).toISOString())
        const settings = { ...sandboxSettings(url), COSELL_DATABASE_URL: closedDatabase }
        const verdict = verdictFor(await examine({ settings, home }), 'sign-in age')
        expect(verdict.status).toBe('warn')
        expect(verdict.detail).toContain('last renewed 80 days ago')
        expect(verdict.detail).toContain('used just now by this look')
        expect(verdict.remedy).toContain('See that the nightly job runs')
        const again = verdictFor(await examine({ settings, home }), 'sign-in age')
        expect(again).toMatchObject({ status: 'ok' })
        expect(again.detail).toContain('last renewed 0 days ago')
      }),
    ))

  test('in a file that others may read is refused', () =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, async ({ url }) => {
        await store(home, new Date(now).toISOString(), 0o644)
        const settings = { ...sandboxSettings(url), COSELL_DATABASE_URL: closedDatabase }
        const diagnosis = await examine({ settings, home })
        const verdict = verdictFor(diagnosis, 'sign-in age')
        expect(verdict).toMatchObject({ status: 'fail', kind: 'configuration' })
        expect(verdict.detail).toContain('expected mode 0600, got 0644')
        expect(verdict.remedy).toContain('chmod 600')
      }),
    ))

  test('is in the status of every account', () =>
    withNights({ referrals: 5 }, async ({ db, home, run: night }) => {
      await night(false, { COSELL_ACCOUNT: 'default' })
      await night(false, { COSELL_ACCOUNT: 'other' })
      const renewedAt = new Date(now - 80 * day).toISOString()
      await store(home, renewedAt)
      const config = loadConfig({ COSELL_HOME: home }, {}, home)
      const statuses = await readStatus(db, await readSignIns(config, now))
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
  test('that is down does not keep the database from being looked at', () =>
    withHome((home) =>
      withDatabase(async (_, url) => {
        const settings = { ...sandboxSettings(nobody), COSELL_DATABASE_URL: url }
        const diagnosis = await examine({ settings, home })
        expect(complaints(diagnosis)).toEqual(['sign-in'])
        const verdict = verdictFor(diagnosis, 'sign-in')
        expect(verdict).toMatchObject({ status: 'fail', kind: 'tryAgainLater' })
        expect(verdict.remedy).toContain('Check COSELL_AUTHORITY_URL and the network')
        expect(exitKindOf(diagnosis)).toBe('tryAgainLater')
      }),
    ))

  test('that keeps failing is given up in time', () =>
    withHome((home) =>
      withApi(
        () => ({ status: 503, headers: { 'retry-after': '600' } }),
        async (settings) => {
          const given = { ...settings, COSELL_DATABASE_URL: closedDatabase }
          const diagnosis = await examine({ settings: given, home, accountMsMax: 500 })
          expect(verdictFor(diagnosis, 'sign-in').status).toBe('ok')
          expect(verdictFor(diagnosis, 'role')).toMatchObject({
            status: 'fail',
            kind: 'tryAgainLater',
            detail: expect.stringContaining('took longer than 0.5 s'),
            remedy: expect.stringContaining('later'),
          })
        },
      ),
    ))

  test('that is another one is the source that broke', () =>
    withHome((home) =>
      withApi(
        () => ({ status: 400, body: { error: { code: 'invalidRequest' } } }),
        async (settings) => {
          const given = { ...settings, COSELL_DATABASE_URL: closedDatabase }
          const diagnosis = await examine({ settings: given, home })
          expect(verdictFor(diagnosis, 'role')).toMatchObject({ kind: 'sourceBroken' })
          expect(exitKindOf(diagnosis)).toBe('sourceBroken')
        },
      ),
    ))

  test('whose clock is ten minutes ahead is a warning that names the machine', () =>
    withHome((home) =>
      withDatabase((_, url) =>
        withApi(
          () => ({
            headers: { date: new Date(Date.now() + 10 * 60_000).toUTCString() },
            body: aPage,
          }),
          async (settings) => {
            const given = { ...settings, COSELL_DATABASE_URL: url }
            const verdict = verdictFor(await examine({ settings: given, home }), 'clock')
            expect(verdict.status).toBe('warn')
            expect(verdict.detail).toContain('the API is 10 minutes ahead of this machine')
            expect(verdict.detail).toContain('the API is 10 minutes ahead of the database')
            expect(verdict.remedy).toContain('Let this machine and the database server follow')
          },
        ),
      ),
    ))

  test('that throttles a single look is a warning about the budget', () =>
    withHome((home) =>
      withApi(
        (index) =>
          index === 0 ? { status: 429, headers: { 'retry-after': '1' } } : { body: aPage },
        async (settings) => {
          const given = { ...settings, COSELL_DATABASE_URL: closedDatabase }
          const verdict = verdictFor(await examine({ settings: given, home }), 'budget')
          expect(verdict.status).toBe('warn')
          expect(verdict.detail).toMatch(/1 of \d+ requests of this look were throttled/)
          expect(verdict.remedy).toContain('COSELL_REQUESTS_PER_MINUTE')
        },
      ),
    ))

  test('whose answers to the probe are broken fails that check alone', () =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, async ({ url }) => {
        const settings = { ...sandboxSettings(url), COSELL_DATABASE_URL: closedDatabase }
        const probe = async () => {
          throw new CosellError('sourceBroken', 'api.loop', 'It loops. Report it.')
        }
        const diagnosis = await examine({ settings, home, probe })
        expect(complaints(diagnosis)).toEqual(['database', 'API'])
        expect(verdictFor(diagnosis, 'API')).toMatchObject({
          detail: 'It loops',
          remedy: 'Report it.',
        })
        expect(exitKindOf(diagnosis)).toBe('sourceBroken')
      }),
    ))
})

describe('a role', () => {
  test('that sees fewer referrals than were loaded is a warning that names the role', () =>
    withNights({ referrals: 60, count: 'total' }, async ({ sandbox, url, home, run: night }) => {
      await night()
      sandbox.vanish(10)
      const settings = {
        ...sandboxSettings(sandbox.url),
        COSELL_ACCOUNT: 'demo',
        COSELL_DATABASE_URL: url,
      }
      const diagnosis = await examine({ settings, home })
      expect(complaints(diagnosis)).toEqual(['role'])
      const verdict = verdictFor(diagnosis, 'role')
      expect(verdict.detail).toBe('50 referrals are visible, 60 are in the warehouse')
      expect(verdict.remedy).toContain('Referrals admin of the entire company')
    }))

  test('that sees nothing is a warning', () =>
    withHome((home) =>
      withSandbox({ referrals: 0 }, async ({ url }) => {
        const settings = { ...sandboxSettings(url), COSELL_DATABASE_URL: closedDatabase }
        const verdict = verdictFor(await examine({ settings, home }), 'role')
        expect(verdict).toMatchObject({ status: 'warn', detail: '0 referrals are visible' })
      }),
    ))

  test('of which the API does not tell how much it sees is no guess', () =>
    withHome((home) =>
      withSandbox({ referrals: 5 }, async ({ url }) => {
        const settings = { ...sandboxSettings(url), COSELL_DATABASE_URL: closedDatabase }
        const verdict = verdictFor(await examine({ settings, home }), 'role')
        expect(verdict.status).toBe('ok')
        expect(verdict.detail).toContain('is not told by this API')
      }),
    ))
})

test('an interrupted examination ends with the reason', () =>
  withHome((home) =>
    withApi(
      () => ({ by: () => undefined }),
      async (settings) => {
        const stop = new AbortController()
        const reason = new CosellError('interrupted', 'signal.interrupted', 'Stopped.')
        setTimeout(() => stop.abort(reason), 300)
        const given = { ...settings, COSELL_DATABASE_URL: closedDatabase }
        const { signal } = stop
        expect(await failureOf(examine({ settings: given, home, signal }))).toBe(reason)
      },
    ),
  ))

test.each<{ kinds: NonNullable<AccountVerdict['kind']>[]; expected: string }>([
  { kinds: [], expected: 'done' },
  { kinds: ['tryAgainLater'], expected: 'tryAgainLater' },
  { kinds: ['tryAgainLater', 'sourceBroken'], expected: 'sourceBroken' },
  { kinds: ['sourceBroken', 'signIn'], expected: 'signIn' },
  { kinds: ['tryAgainLater', 'signIn', 'configuration'], expected: 'configuration' },
  { kinds: ['bug', 'tryAgainLater'], expected: 'tryAgainLater' },
  { kinds: ['bug'], expected: 'bug' },
])('of $kinds the command ends with $expected', ({ kinds, expected }) => {
  const fine: AccountVerdict = { check: 'home', status: 'warn', detail: 'no failure' }
  const failed = kinds.map((kind) => ({ ...fine, status: 'fail' as const, kind }))
  expect(exitKindOf({ checks: [fine, ...failed] })).toBe(expected)
})
