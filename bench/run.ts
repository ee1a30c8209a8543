/**
 * Measures speed and memory of a load: `npm run bench [-- referrals...]`, 10,000 and 50,000 by default.
 * It all runs in one go on one machine: trust the ratios; the absolute figures belong to the machine.
 * Given several sizes, it also compares the nightly cost at the last size with that at the first. At the
 * end, whole commands take turns with those of dlt. Where a figure has a goal, it is printed behind it.
 */
import { cpus } from 'node:os'
import { type LoadFigures, measureLoad } from './load.ts'
import { comparePeers } from './peers/compare.ts'
import { perSecond, say } from './say.ts'
import { measureStart } from './start.ts'

/** Below, what a comparison measures is the start of the programs; above, dlt takes hours. */
const comparedSizes = { least: 1_000, most: 100_000 }
const memoryGoal = '≤ 200 MiB'

const given = process.argv.slice(2).map(Number)
const sizes = given.length === 0 ? [10_000, 50_000] : given
const cores = cpus()
say('measured', new Date().toISOString().slice(0, 10))
say('on', `Node.js ${process.versions.node}, ${cores.length} cores`)
say(
  'cosell --help / node -e 0, CPU',
  `${(await measureStart()).toFixed(1)} times`,
  undefined,
  '≤ 4',
)
const measured: LoadFigures[] = []
for (const referrals of sizes) {
  const figures = await measureLoad(referrals)
  measured.push(figures)
  tell(figures)
}
const [first] = measured
const last = measured.at(-1)
if (first !== undefined && last !== undefined && first !== last) {
  const times = last.change.publishMs / first.change.publishMs
  const what = `publish of 1,000 changes, ${last.referrals} / ${first.referrals}`
  say(what, `${times.toFixed(2)} times`, undefined, '≤ 1.2')
}
await comparePeers(
  sizes.filter((size) => size >= comparedSizes.least && size <= comparedSizes.most),
)

function tell({
  referrals,
  first,
  rebuilt,
  floor,
  quiet,
  report,
  overlap,
  change,
  replay,
  diff,
}: LoadFigures) {
  say('referrals', referrals)
  say('first load', `${perSecond(floor.rows, first.ms)} rows/s`, first.ms)
  const share = (100 * first.cpuAfterLastPage).toFixed(0)
  say('  of its CPU after the last page', `${share} %`, undefined, '≤ 15 %')
  say('rebuild into an empty star', `${perSecond(floor.rows, rebuilt.ms)} rows/s`, rebuilt.ms)
  say('  of it until all rows are sent', '', rebuilt.transformMs)
  say('\\copy of the same rows', `${perSecond(floor.rows, floor.ms)} rows/s`, floor.ms)
  say('rebuild / \\copy', `${(rebuilt.ms / floor.ms).toFixed(2)} times`, undefined, '≤ 1.1')
  const cpuTimes = (rebuilt.cpuSeconds / floor.cpuSeconds).toFixed(2)
  const cpuOfBoth = `${cpuTimes} times, ${rebuilt.cpuSeconds.toFixed(1)} / ${floor.cpuSeconds.toFixed(1)} s`
  say('  CPU', cpuOfBoth, undefined, '≤ 2')
  say('unchanged night', `${quiet.requests} requests`, quiet.ms, `≤ ${first.requests}`)
  const cpu = `CPU ${report.programCpu.toFixed(1)} + ${report.serverCpu.toFixed(1)} s`
  say('report', cpu, report.ms, '≤ 3 s at 300,000')
  say('unchanged overlap', `${overlap.read} referrals read`, overlap.ms)
  say('  rows written', overlap.rowsWritten)
  say('  rows in raw, dw and pii touched', overlap.touched)
  say('  dead tuples there', overlap.dead)
  say(
    '1,000 changes: publish',
    `${perSecond(change.changed, change.publishMs)} referrals/s`,
    change.publishMs,
  )
  if (replay !== undefined) {
    say('rebuild, nothing new', `${replay.rowsWritten} rows written`, replay.ms)
    say('peak memory, rebuild of nothing new', `${replay.peakMib} MiB`)
  }
  if (diff !== undefined) {
    say('rebuild --diff, nothing new', '', diff.ms)
    say('  space of the database meanwhile', `${diff.spaceMib.toFixed(0)} MiB`)
    say('  of it left', `${diff.leftMib.toFixed(0)} MiB`)
    say('peak memory, rebuild --diff', `${diff.peakMib} MiB`, undefined, memoryGoal)
  }
  say('peak memory, first run', `${first.peakMib} MiB`, undefined, memoryGoal)
  say('peak memory, rebuild', `${rebuilt.peakMib} MiB`, undefined, memoryGoal)
  say('peak memory, overlap', `${overlap.peakMib} MiB`, undefined, memoryGoal)
}
