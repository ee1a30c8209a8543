import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { CosellError } from '../../errors.ts'
import { codeOf } from '../connection/database.ts'
import {
  type AccessCatalog,
  type AccessStep,
  hasGroups,
  switchingSteps,
} from './grant-statements.ts'
import { readAccess, runStep, settleAccess } from './grants.ts'
import { groups } from './roles.ts'

/** Longer than a dashboard's query; a load that publishes for longer goes first. */
const defaultPatienceMs = 30_000
/** In which readers who queued are served. */
const pauseMs = 500
/** SQLSTATEs lock_not_available and deadlock_detected. */
const inUse = ['55P03', '40P01']
/** SQLSTATE duplicate_object: another process that switches has made the policy. */
const alreadyThere = '42710'

/**
 * Switches row-level security by account on or off, for good: later migrations keep to it. Tables
 * are switched one by one, each as soon as nobody uses it, so loads and readers go on; what was
 * switched when this ends early stays, and calling it again goes on.
 *
 * @throws CosellError `configuration` when the groups lack or the tables are somebody else's,
 * `tryAgainLater` when a table stays in use.
 */
export async function switchRowSecurity<Schema>(
  db: Kysely<Schema>,
  isOn: boolean,
  patienceMs = defaultPatienceMs,
): Promise<void> {
  const catalog = await readAccess(db)
  if (catalog === null) {
    throw new CosellError('bug', 'row_security.no_schema', 'Nothing was migrated before.')
  }
  refuseToSwitch(catalog, isOn)
  await sql`
    insert into etl.setting (setting_name, setting_value)
    values ('row_level_security', ${isOn ? 'on' : 'off'})
    on conflict (setting_name) do update set setting_value = excluded.setting_value
    where setting.setting_value <> excluded.setting_value`.execute(db)
  for (const step of switchingSteps({ ...catalog, isRowSecured: isOn })) {
    if (step.statements.length > 0) await runPatiently(db, step, patienceMs)
  }
  await settleAccess(db)
}

/** Rows of etl.bi_access: while it is on, readers without one see no account. */
export async function countMapped<Schema>(db: Kysely<Schema>): Promise<number> {
  const { rows } = await sql<{ mapped: number }>`
    select count(*) as mapped from etl.bi_access`.execute(db)
  return rows[0]?.mapped ?? 0
}

function refuseToSwitch(catalog: AccessCatalog, isOn: boolean) {
  const refuse = (code: string, text: string) => {
    throw new CosellError('configuration', code, `Row-level security: ${text}`)
  }
  if (isOn && !hasGroups(catalog)) {
    const got = catalog.existing.length === 0 ? 'none' : catalog.existing.join(', ')
    refuse(
      'row_security.no_groups',
      `expected the groups ${Object.values(groups).join(', ')}, got ${got}. Run \`cosell migrate\`, ` +
        'and let an administrator run the statements that it prints.',
    )
  }
  const [foreign] = catalog.objects.filter(({ schema, may_alter }) => schema === 'dw' && !may_alter)
  if (foreign !== undefined) {
    refuse(
      'row_security.not_owner',
      `expected a role that owns the tables, got one that does not own dw.${foreign.name}. ` +
        `Let a member of ${groups.owner} switch it.`,
    )
  }
}

async function runPatiently<Schema>(db: Kysely<Schema>, step: AccessStep, patienceMs: number) {
  const started = performance.now()
  for (;;) {
    try {
      return await runStep(db, step)
    } catch (error) {
      const code = codeOf(error)
      if (code === alreadyThere) return
      if (!inUse.includes(code)) throw error
      if (performance.now() - started >= patienceMs) throw stillInUse(step, error)
      await sleep(pauseMs)
    }
  }
}

function stillInUse({ statements }: AccessStep, cause: unknown): CosellError {
  const table = / on ([a-z_.]+)|table ([a-z_.]+)/.exec(statements[0] ?? '')
  const text =
    `Row-level security: expected ${table?.[1] ?? table?.[2]} to be free for a moment, got it in ` +
    'use all the time. Some tables may be switched already; run again when loads and long ' +
    'queries are done.'
  return new CosellError('tryAgainLater', 'row_security.lock_timeout', text, { cause })
}
