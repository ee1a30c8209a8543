import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import type { ErrorCode } from '../../error-codes.ts'
import { CosellError } from '../../errors.ts'
import { codeOf } from '../connection/database.ts'
import { type AccessCatalog, type AccessStep, readAccessCatalog } from './access-catalog.ts'
import { hasGroups, rowSecurityChanges } from './grant-statements.ts'
import { applyGrants, runStep } from './grants.ts'
import { groups } from './roles.ts'

/** Longer than a dashboard's query; a load that publishes for longer takes precedence. */
const defaultLockWaitMs = 30_000
/** Time for the readers that queued behind the lock. */
const pauseMs = 500
/** SQLSTATEs lock_not_available and deadlock_detected. */
const lockedCodes = ['55P03', '40P01']
/** SQLSTATE duplicate_object: another process has made the policy. */
const duplicateObject = '42710'

/**
 * Switches row-level security by account on or off; later migrations keep the setting. Tables are
 * switched one by one, each as soon as it is free, so loads and readers go on. When it ends early,
 * tables that were switched stay so, and a second call continues.
 *
 * @throws CosellError `configuration` when groups are missing or another role owns the tables,
 * `tryAgainLater` when a table stays in use.
 */
export async function switchRowSecurity<Schema>(
  db: Kysely<Schema>,
  isOn: boolean,
  lockWaitMs = defaultLockWaitMs,
): Promise<void> {
  const catalog = await readAccessCatalog(db)
  if (catalog === null) {
    throw new CosellError(
      'row_security.no_schema',
      'Row-level security: the warehouse has no schema yet. Run `cosell migrate` first.',
    )
  }
  checkCanSwitch(catalog, isOn)
  await sql`
    insert into etl.setting (setting_name, setting_value)
    values ('row_level_security', ${isOn ? 'on' : 'off'})
    on conflict (setting_name) do update set setting_value = excluded.setting_value
    where setting.setting_value <> excluded.setting_value`.execute(db)
  for (const step of rowSecurityChanges({ ...catalog, isRowSecured: isOn })) {
    if (step.statements.length > 0) await retryWhileLocked(db, step, lockWaitMs)
  }
  await applyGrants(db)
}

/** Number of rows of etl.bi_access; with row-level security, readers without one see no account. */
export async function countAccountGrants<Schema>(db: Kysely<Schema>): Promise<number> {
  const { rows } = await sql<{ mapped: number }>`
    select count(*) as mapped from etl.bi_access`.execute(db)
  return rows[0]?.mapped ?? 0
}

function checkCanSwitch(catalog: AccessCatalog, isOn: boolean) {
  const reject = (code: ErrorCode, text: string) => {
    throw new CosellError(code, `Row-level security: ${text}`)
  }
  if (isOn && !hasGroups(catalog)) {
    const got = catalog.existing.length === 0 ? 'none' : catalog.existing.join(', ')
    reject(
      'row_security.no_groups',
      `expected the groups ${Object.values(groups).join(', ')}, got ${got}. Run \`cosell migrate\`, ` +
        'and let an administrator run the statements that it prints.',
    )
  }
  const [foreign] = catalog.objects.filter(({ schema, may_alter }) => schema === 'dw' && !may_alter)
  if (foreign !== undefined) {
    reject(
      'row_security.not_owner',
      `expected a role that owns the tables, got one that does not own dw.${foreign.name}. ` +
        `Let a member of ${groups.owner} switch it.`,
    )
  }
}

async function retryWhileLocked<Schema>(db: Kysely<Schema>, step: AccessStep, lockWaitMs: number) {
  const started = performance.now()
  for (;;) {
    try {
      return await runStep(db, step)
    } catch (error) {
      const code = codeOf(error)
      if (code === duplicateObject) return
      if (!lockedCodes.includes(code)) throw error
      if (performance.now() - started >= lockWaitMs) throw lockTimeoutError(step, error)
      await sleep(pauseMs)
    }
  }
}

function lockTimeoutError({ statements }: AccessStep, cause: unknown): CosellError {
  const table = / on ([a-z_.]+)|table ([a-z_.]+)/.exec(statements[0] ?? '')
  const text =
    `Row-level security: expected ${table?.[1] ?? table?.[2]} to be free for a moment, got it in ` +
    'use all the time. Some tables may be switched already; run again when loads and long ' +
    'queries are done.'
  return new CosellError('row_security.lock_timeout', text, { cause })
}
