import { type Kysely, sql } from 'kysely'
import { codeOf } from '../connection/database.ts'
import {
  type AccessStep,
  hasMadeObjects,
  readAccessCatalog,
  readObjects,
} from './access-catalog.ts'
import { closingStatements, missingSteps } from './grant-statements.ts'

/** Advisory lock of a database: two processes that grant on one table at once fail. */
const lockKey = 4_206_010_301
/** Readers queue behind an ALTER that waits, so a step gives up early and is left for next time. */
const lockTimeoutMs = 1_000

/**
 * SQLSTATEs that leave a step undone without harm: no right to it, a table in use, another process
 * at the same step, and two that write one row of the catalog at once (XX000).
 */
const toleratedCodes = ['42501', '55P03', '40P01', '42710', '23505', 'XX000']

interface GrantOptions {
  /** Takes rights of other roles to what cosell made in `raw` and `pii`. */
  readonly isClosing?: boolean
  /** The schema was made just now: there is no reader whom locks of many tables would keep waiting. */
  readonly isNew?: boolean
}

/**
 * Creates the groups and grants their rights to what cosell made, as far as the role of the
 * connection may. Returns the statements that are still missing. When nothing is missing it only
 * reads.
 */
export async function applyGrants<Schema>(
  db: Kysely<Schema>,
  { isClosing = false, isNew = false }: GrantOptions = {},
): Promise<string[]> {
  const tried = new Set<string>()
  // A round may grant what the next one needs, such as membership.
  for (;;) {
    const steps = await readMissingSteps(db, isClosing)
    const runnable = steps.filter(
      ({ mayRun, statements }) => mayRun && !tried.has(statements.join()),
    )
    if (runnable.length === 0) return statementsOf(steps)
    for (const { statements } of runnable) tried.add(statements.join())
    const together = runnable.flatMap(({ statements }) => statements)
    // Where one of them cannot be done, each is tried alone.
    if (isNew && (await isRun(db, { statements: together }))) continue
    for (const step of runnable) await isRun(db, step)
  }
}

/** Whether a step went through; false when it is left undone without harm. */
async function isRun<Schema>(db: Kysely<Schema>, step: Statements): Promise<boolean> {
  try {
    await runStep(db, step)
    return true
  } catch (error) {
    if (!toleratedCodes.includes(codeOf(error))) throw error
    return false
  }
}

/** Returns the missing groups and rights as statements for an administrator; changes nothing. */
export async function missingGrants<Schema>(
  db: Kysely<Schema>,
  { isClosing = false }: Pick<GrantOptions, 'isClosing'> = {},
): Promise<string[]> {
  return statementsOf(await readMissingSteps(db, isClosing))
}

/**
 * Takes from all roles but the groups what default privileges gave them in `raw` and `pii`, within
 * the transaction of the migration that made it: at no moment is it open.
 */
export async function closePeople<Schema>(transaction: Kysely<Schema>): Promise<void> {
  if (!(await hasMadeObjects(transaction))) return
  const objects = await readObjects(transaction)
  const statements = closingStatements(objects.filter(({ may_alter }) => may_alter))
  if (statements.length > 0) await sql.raw(statements.join(';\n')).execute(transaction)
}

async function readMissingSteps<Schema>(
  db: Kysely<Schema>,
  isClosing: boolean,
): Promise<AccessStep[]> {
  const catalog = await readAccessCatalog(db)
  return catalog === null ? [] : missingSteps(catalog, isClosing)
}

function statementsOf(steps: readonly AccessStep[]): string[] {
  return steps.flatMap(({ statements }) => statements.map((statement) => `${statement};`))
}

type Statements = Pick<AccessStep, 'statements'>

/** Runs all statements of a step or none, in one message. */
export async function runStep<Schema>(db: Kysely<Schema>, step: Statements): Promise<void> {
  const text = [
    // A role may have a timeout that is meant for queries.
    'set local statement_timeout = 0',
    `select pg_advisory_xact_lock(${lockKey})`,
    `set local lock_timeout = ${lockTimeoutMs}`,
    ...step.statements,
  ].join(';\n')
  await sql.raw(text).execute(db)
}
