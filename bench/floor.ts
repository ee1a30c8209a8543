import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { sql } from 'kysely'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { openDatabase, type Warehouse } from '../src/warehouse/connection/database.ts'
import { migrate } from '../src/warehouse/migrate/migrate.ts'
import { type TableName, tables } from '../src/warehouse/tables.generated.ts'
import { secondsOfTrees, serverProcess } from './process-cpu.ts'

/** Small tables, partly seeded by the migrations. They are copied but not timed. */
const shared = ['dw.dim_partner_account', 'dw.dim_currency', 'dw.dim_status'] as const
const notLoaded = new Set<string>([
  'dw.dim_date',
  'dw.fx_rate',
  'dw.documented_enum_value',
  'dw.fact_run',
  'dw.fact_finding',
  'pii.secret',
  'pii.payload',
  ...shared,
])

/** Dimensions but that of deals, which names referrals. */
const isFirst = (table: string) => table.startsWith('dw.dim_') && table !== 'dw.dim_engagement'

/** Loaded tables; those that others name come first because of the foreign keys. */
export const loaded = (Object.keys(tables) as TableName[])
  .filter((table) => /^(dw|pii)\./.test(table) && !notLoaded.has(table))
  .sort((a, b) => Number(isFirst(b)) - Number(isFirst(a)))

/**
 * Measures the lower bound of a load of these rows: their COPY, table by table. The tables, indexes
 * and constraints are the same, in a fresh database of the same server.
 */
export async function measureFloor(finished: Warehouse, url: string, home: string) {
  const folder = join(home, 'floor')
  await writeFinishedRows(finished, folder)
  await sql`create database floor`.execute(finished.query)
  const floorUrl = new URL(url)
  floorUrl.pathname = '/floor'
  const floor = await openDatabase(floorUrl.href)
  try {
    await makeEmptyStar(floor, folder)
    await sql`checkpoint`.execute(finished.query)
    const programs = [await serverProcess(floor.query), process.pid]
    const cpuBefore = await secondsOfTrees(programs)
    const started = performance.now()
    for (const table of loaded) await copyIn(floor, table, folder)
    const ms = Math.round(performance.now() - started)
    const cpuSeconds = (await secondsOfTrees(programs)) - cpuBefore
    return { ms, cpuSeconds, rows: await countRows(floor) }
  } finally {
    await floor.close()
    await rm(folder, { recursive: true })
  }
}

/** Writes the rows of a loaded star into `folder`, a file of COPY text a table. */
export async function writeFinishedRows(finished: Warehouse, folder: string): Promise<void> {
  await mkdir(folder)
  await chmod(folder, 0o755)
  for (const table of [...shared, ...loaded]) await copyOut(finished, table, folder)
}

/** Makes an empty star for the rows of `writeFinishedRows`, which has the small tables already. */
export async function makeEmptyStar(floor: Warehouse, folder: string): Promise<void> {
  await migrate(floor.query)
  await sql`truncate ${sql.join(shared.map((name) => sql.table(name)))} cascade`.execute(
    floor.query,
  )
  for (const table of shared) await copyIn(floor, table, folder)
}

async function copyOut({ pool }: Warehouse, table: TableName, folder: string) {
  const client = await pool.connect()
  try {
    await pipeline(
      client.query(copyTo(`copy ${table} to stdout`)),
      createWriteStream(join(folder, table)),
    )
  } finally {
    client.release()
  }
}

async function copyIn({ pool }: Warehouse, table: TableName, folder: string) {
  const client = await pool.connect()
  try {
    await pipeline(
      createReadStream(join(folder, table), { highWaterMark: 1 << 20 }),
      client.query(copyFrom(`copy ${table} from stdin`)),
    )
  } finally {
    client.release()
  }
}

async function countRows({ query }: Warehouse): Promise<number> {
  let rows = 0
  for (const table of loaded) {
    const counted = await sql<{ rows: number }>`
      select count(*) as rows from ${sql.table(table)}`.execute(query)
    rows += counted.rows[0]?.rows ?? 0
  }
  return rows
}
