import { type Kysely, sql } from 'kysely'
import { CosellError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { setRight } from '../warehouse/access/access-catalog.ts'
import { runStep } from '../warehouse/access/grants.ts'
import { groups } from '../warehouse/access/roles.ts'
import type { Warehouse } from '../warehouse/connection/database.ts'
import {
  type Boss,
  connectQueue,
  type QueueLibrary,
  type QueueOptions,
  queueName,
  queueSchema,
} from './library.ts'

/**
 * `exclusive` refuses a second job of a key while one waits, runs or waits for its next try. How often a
 * job is tried again is decided by `verdictOf`; the limit here is for workers that die of it. A killed
 * worker's job is tried at once.
 */
const options: QueueOptions = {
  policy: 'exclusive',
  retryLimit: 30,
  retryDelay: 0,
  // The longest that pg-boss knows, and COSELL_RUN_DEADLINE_MINUTES too: the deadline of a run comes first.
  expireInSeconds: 24 * 3_600,
  heartbeatSeconds: 10,
}

interface Present {
  readonly role: string
  readonly is_there: boolean
  readonly may_use: boolean
  /** May make the schema, or change what is in it. */
  readonly may_make: boolean
}

/**
 * Makes the queue, or brings it up to date, as far as the login may; a login of `cosell_loader` finds it
 * made. What is made belongs to `cosell_owner`, and `cosell_loader` has the rights to its rows.
 *
 * @throws CosellError `queue.not_prepared` when it is not there, or is of an older version, and the login
 * may not make it; `queue.other_version` when a newer pg-boss has made it.
 */
export async function prepareQueue(
  library: QueueLibrary,
  warehouse: Warehouse,
  logger: Logger,
): Promise<void> {
  const { query } = warehouse
  const present = await readPresent(query)
  const reader = connectQueue(library, warehouse, logger)
  if (present.is_there && present.may_use && (await isReady(reader))) return
  if (!present.may_make) throw notPrepared(present)
  const maker = connectQueue(library, warehouse, logger, { migrate: true })
  await maker.start()
  try {
    await maker.createQueue(queueName, options)
    const { policy: _, ...changeable } = options
    await maker.updateQueue(queueName, changeable)
  } finally {
    await stopQueue(maker)
  }
  const statements = [...(await ownerStatements(query)), ...(await grantStatements(query))]
  if (statements.length > 0) await runStep(query, { statements })
  if (!(await isReady(reader))) throw otherVersion()
  logger.info({ schema: queueSchema }, 'the queue was made')
}

/** Ends what pg-boss has under way; the pool stays the warehouse's. */
export function stopQueue(boss: Boss): Promise<void> {
  return boss.stop({ close: false, graceful: true, timeout: 1_000 })
}

async function readPresent<Schema>(query: Kysely<Schema>): Promise<Present> {
  const { rows } = await sql<Present>`
    select
      current_user::text as role,
      n.oid is not null as is_there,
      coalesce(has_schema_privilege(n.oid, 'usage'), false) as may_use,
      coalesce(
        pg_has_role(n.nspowner, 'usage'),
        has_database_privilege(current_database(), 'create')
      ) as may_make
    from (values (1)) one
    left join pg_namespace n on n.nspname = ${queueSchema}`.execute(query)
  const [present] = rows
  if (present === undefined) throw new CosellError('access.no_row', 'No row of one select.')
  return present
}

/** Whether pg-boss finds its tables as its version makes them, and our queue among them as it is meant. */
async function isReady(boss: Boss): Promise<boolean> {
  try {
    await boss.start()
  } catch (error) {
    // Two plain errors: not installed, and another version.
    if (error instanceof Error && /^pg-boss /.test(error.message)) return false
    throw error
  }
  try {
    const found = await boss.getQueue(queueName)
    return Object.entries(options).every(
      ([name, value]) => found !== null && Reflect.get(found, name) === value,
    )
  } finally {
    await stopQueue(boss)
  }
}

/** Statements that hand what pg-boss made to `cosell_owner`, so that every member of it may upgrade it. */
async function ownerStatements<Schema>(query: Kysely<Schema>): Promise<string[]> {
  const { rows } = await sql<{ statement: string }>`
    with given as (
      select owner.oid
      from pg_roles owner
      join pg_roles me on me.rolname = current_user
      where owner.rolname = ${groups.owner} and (me.rolsuper or pg_has_role(owner.oid, ${setRight}))
    ), made as (
      select 1 as place, format('schema %I', n.nspname) as name, n.nspowner as owner
      from pg_namespace n where n.nspname = ${queueSchema}
      union all
      select 2, format('table %I.%I', ${queueSchema}::text, c.relname), c.relowner
      from pg_class c
      where c.relnamespace = to_regnamespace(${queueSchema}) and c.relkind in ('r', 'p')
      union all
      select 3, 'function ' || p.oid::regprocedure, p.proowner
      from pg_proc p where p.pronamespace = to_regnamespace(${queueSchema})
      union all
      select 4, format('type %I.%I', ${queueSchema}::text, t.typname), t.typowner
      from pg_type t
      where t.typnamespace = to_regnamespace(${queueSchema}) and t.typtype = 'e'
    )
    select format('alter %s owner to %I', made.name, ${groups.owner}::text) as statement
    from made, given
    where made.owner <> given.oid and pg_has_role(made.owner, 'usage')
    order by made.place, made.name`.execute(query)
  return rows.map(({ statement }) => statement)
}

/** Statements that let `cosell_loader` put jobs on the queue, take and settle them. */
async function grantStatements<Schema>(query: Kysely<Schema>): Promise<string[]> {
  const { rows } = await sql<{ is_there: boolean }>`
    select to_regrole(${groups.loader}) is not null as is_there`.execute(query)
  if (rows[0]?.is_there !== true) return []
  return [
    `grant usage on schema ${queueSchema} to ${groups.loader}`,
    `grant select, insert, update, delete on all tables in schema ${queueSchema} to ${groups.loader}`,
  ]
}

function notPrepared({ role, is_there }: Present): CosellError {
  const got = is_there ? 'one that is of an older version or not open to' : 'none, and'
  return new CosellError(
    'queue.not_prepared',
    `Queue: expected schema ${queueSchema} in the warehouse, got ${got} "${role}", which may not make it. ` +
      `Let a member of ${groups.owner} run \`cosell enqueue --prepare\` once, then this again.`,
  )
}

function otherVersion(): CosellError {
  return new CosellError(
    'queue.other_version',
    `Queue: expected schema ${queueSchema} as this cosell makes it, got one of another version, or another ` +
      "application's. Use the cosell that made it, or drop the schema: what waits on it is put on it again " +
      'by the next `cosell enqueue`.',
  )
}
