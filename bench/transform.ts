/**
 * Compares the pure transform with JSON.parse of the same referrals: `tsx bench/transform.ts
 * [referrals]`, 2,000 by default. Each round measures the CPU time of every step. A figure is the
 * median of the rounds, so the ratios hold on a busy machine too. The floors at the end do part of
 * the work in the shortest possible way: no loader that writes these rows can cost less.
 */
import { hash } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { copyLine, type RowFormat } from '../src/load/copy/copy-format.ts'
import { readReference } from '../src/load/runs/reference.ts'
import { formatOf, type StagedBatch, type StageTable } from '../src/load/staging/stage-tables.ts'
import { toContext } from '../src/pipeline/transform-and-publish.ts'
import { Simulation } from '../src/sandbox/population/simulation.ts'
import { readReferral } from '../src/transform/parse/parse-referral.ts'
import { splitPii } from '../src/transform/pii/split-pii.ts'
import { type LandedReferral, toRows } from '../src/transform/to-rows.ts'
import { openDatabase } from '../src/warehouse/connection/database.ts'
import { startEmbedded } from '../src/warehouse/embedded/embedded.ts'
import { migrate } from '../src/warehouse/migrate/migrate.ts'
import { aLine, aReferral, aRegistration } from '../test/support/referral-builder.ts'

const rounds = 15
/** V8 optimizes for some 20,000 referrals; until then the transform costs up to twice as much. */
const warmUpRounds = 10
const count = Number(process.argv[2] ?? 2000)
const observed_at = '2026-07-01T02:00:00Z'
const unhashedFormats = new Map<RowFormat, RowFormat>()
/** Lines are written as bytes, as in the loader: V8 defers the cost of text built by `+=`. */
const bytes = Buffer.allocUnsafe(4 << 20)

const context = toContext(await documentedReference())
const simulated = new Simulation(count, 1, 0).referrals().map((one) => JSON.stringify(one))
const fixed = Array.from({ length: count }, (_, index) => JSON.stringify(twoLists(index)))
report('population of the sandbox', simulated)
report('two child lists: 2 requested solutions, a registration with 2 lines', fixed)

/** Reference data of a migrated database; unknown enum values would add the cost of findings. */
async function documentedReference() {
  const home = await mkdtemp(join(tmpdir(), 'cosell-bench-'))
  // When root starts it, the server runs under another account, which needs access.
  await chmod(home, 0o755)
  const embedded = await startEmbedded({ home, path: process.env.PATH ?? '' })
  try {
    const warehouse = await openDatabase(embedded.url)
    try {
      await migrate(warehouse.query)
      return await readReference(warehouse.query)
    } finally {
      await warehouse.close()
    }
  } finally {
    await embedded.stop()
    await rm(home, { recursive: true, force: true })
  }
}

/** Referrals of one shape with different ids, names, amounts and days, so that no cache helps. */
function twoLists(index: number) {
  const solutions = [1, 2].map((no) => ({
    id: `SOL-${no}-${index}`,
    name: `Solution ${no} of ${index}`,
    type: 'Name',
    price: null,
    quantity: no,
    currency: 'USD',
    publisherName: 'Tern &amp; Gull Systems',
    solutionType: '3P',
    closingDateTime: null,
  }))
  const day = `2025-${10 + (index % 3)}-${10 + (index % 20)}`
  const base = aReferral()
  return aReferral({
    id: `5d3f9a10-0000-4000-8000-${String(index).padStart(12, '0')}`,
    name: `Warehouse sensors ${index}`,
    updatedDateTime: `${day}T09:18:01.7654321Z`,
    closedDateTime: `${day}T09:17:38Z`,
    target: [],
    team: [],
    customerProfile: {
      ...base.customerProfile,
      name: `Puffin Logistics ${index} Ltd.`,
      team: [],
      ids: [],
    },
    details: {
      ...base.details,
      dealValue: 120_000 + index,
      requirements: { solutions },
    },
    registrations: [
      aRegistration({
        registrationDateTime: `${day}T09:18:01Z`,
        solutionDetails: [
          aLine({ id: `SOL-1-${index}`, name: `Solution 1 of ${index}`, value: 70_000 + index }),
          aLine({ id: `SOL-2-${index}`, name: `Solution 2 of ${index}`, value: 30_000.55 }),
        ],
      }),
    ],
  })
}

function landedOf(wire: string, referral_no: number): LandedReferral {
  const { resourceId, sourceUpdatedText, payload, people } = splitPii(JSON.parse(wire))
  const version = {
    version_no: 1,
    resource_type: 'referral',
    observed_at,
    source_updated_text: sourceUpdatedText,
    payload: JSON.parse(JSON.stringify(payload)),
    people: JSON.parse(JSON.stringify(people)),
  } as const
  return { partner_account_key: 1, resource_id: resourceId ?? '', referral_no, versions: [version] }
}

function report(title: string, wires: readonly string[]) {
  const parsed = wires.map((wire): unknown => JSON.parse(wire))
  const landed = wires.map(landedOf)
  const staged = landed.map((one): StagedBatch => toRows(one, context).rows)
  const rows = staged.map((one) => Object.values(one).flat())
  const lines = staged.map(linesOf)
  const length = wires.reduce((sum, wire) => sum + Buffer.byteLength(wire), 0)
  say(title)
  say(
    `  ${(length / count / 1000).toFixed(2)} kB and ${(rows.flat().length / count).toFixed(1)} rows each`,
  )
  measure([
    ['JSON.parse', () => each(wires, JSON.parse)],
    ['readReferral', () => each(landed, readVersions)],
    ['toRows', () => each(landed, (one) => toRows(one, context))],
    ['toRows + COPY text', () => each(landed, (one) => copyText(toRows(one, context).rows, false))],
    ['  and row hashes', () => each(landed, (one) => copyText(toRows(one, context).rows, true))],
    ['COPY text alone', () => each(staged, (one) => copyText(one, false))],
    ['  and row hashes', () => each(staged, (one) => copyText(one, true))],
    ['splitPii', () => each(parsed, splitPii)],
    ['  and hash', () => each(parsed, (one) => hash('sha256', splitPii(one).canonical))],
    ['floor: JSON.stringify of rows', () => each(rows, JSON.stringify)],
    ['floor: values joined', () => each(rows, (all) => all.map(joinedValues))],
    ['floor: a sha-256 a row', () => each(lines, (all) => all.map((line) => hash('sha256', line)))],
  ])
}

type Step = readonly [name: string, run: () => unknown]

/** Prints the cost of each step per referral, and as a multiple of the first step. */
function measure(steps: readonly Step[]) {
  const times = steps.map((): number[] => [])
  for (let round = 0; round < warmUpRounds + rounds; round++) {
    steps.forEach(([, step], index) => {
      const started = process.cpuUsage()
      step()
      const { user, system } = process.cpuUsage(started)
      if (round >= warmUpRounds) times[index]?.push((user + system) / count)
    })
  }
  const medians = times.map((all) => all.sort((a, b) => a - b)[rounds >> 1] ?? 0)
  steps.forEach(([name], index) => {
    const micros = medians[index] ?? 0
    const ratio = (micros / (medians[0] ?? 1)).toFixed(2)
    say(`  ${name.padEnd(30)} ${micros.toFixed(1).padStart(7)} µs ${ratio.padStart(6)}`)
  })
}

function each<T>(items: readonly T[], use: (item: T) => unknown) {
  for (const item of items) use(item)
}

function readVersions({ versions }: LandedReferral) {
  return versions.map(({ payload, people }) => readReferral(payload, people))
}

function copyText(staged: StagedBatch, hasRowHash: boolean): number {
  let used = 0
  for (const table in staged) {
    const rows = staged[table as StageTable] ?? []
    if (rows.length === 0) continue
    const format: RowFormat = formatOf(table as StageTable)
    const asked = hasRowHash ? format : unhashedFormat(format)
    for (const row of rows) used += bytes.write(copyLine(row, asked), used)
  }
  return used
}

/** COPY lines of the tables whose rows have a hash. */
function linesOf(staged: StagedBatch): readonly string[] {
  return Object.entries(staged).flatMap(([table, rows]) => {
    const format = formatOf(table as StageTable)
    // The detour through bytes makes the text one contiguous string.
    return format.hasRowHash ? rows.map((row) => `${Buffer.from(copyLine(row, format))}`) : []
  })
}

function joinedValues(row: object): string {
  return Object.values(row).join('\t')
}

function unhashedFormat(format: RowFormat): RowFormat {
  const known = unhashedFormats.get(format) ?? { ...format, hasRowHash: false }
  unhashedFormats.set(format, known)
  return known
}

function say(text: string) {
  process.stdout.write(`${text}\n`)
}
