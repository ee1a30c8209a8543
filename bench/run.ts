/**
 * Measures speed and memory of a load: `npm run bench [-- referrals...]`, 50,000 by default. Given
 * several sizes, it also compares the nightly cost at the last size with that at the first. It all
 * runs in one go on one machine: trust the ratios; the absolute figures belong to the machine.
 */
import { type LoadFigures, measureLoad } from './load.ts'
import { perSecond, say } from './say.ts'

const sizes = process.argv.slice(2).map(Number)
const measured: LoadFigures[] = []
for (const referrals of sizes.length === 0 ? [50_000] : sizes) {
  const figures = await measureLoad(referrals)
  measured.push(figures)
  tell(figures)
}
const [first] = measured
const last = measured.at(-1)
if (first !== undefined && last !== undefined && first !== last) {
  const times = last.change.publishMs / first.change.publishMs
  const what = `publish of 1,000 changes, ${last.referrals} / ${first.referrals}`
  say(what, `${times.toFixed(2)} times`)
}

function tell({
  referrals,
  extractMs,
  first,
  rebuilt,
  floor,
  overlap,
  change,
  replay,
}: LoadFigures) {
  say('referrals', referrals)
  say('extract and land', `${perSecond(referrals, extractMs)} referrals/s`, extractMs)
  say('first load', `${perSecond(floor.rows, first.ms)} rows/s`, first.ms)
  say('rebuild into an empty star', `${perSecond(floor.rows, rebuilt.ms)} rows/s`, rebuilt.ms)
  say('  of it until all rows are sent', '', rebuilt.transformMs)
  say('\\copy of the same rows', `${perSecond(floor.rows, floor.ms)} rows/s`, floor.ms)
  say('rebuild / \\copy', `${(rebuilt.ms / floor.ms).toFixed(2)} times`)
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
  say('peak memory, first run', `${first.peakMib} MiB`)
  say('peak memory, rebuild', `${rebuilt.peakMib} MiB`)
  say('peak memory, overlap', `${overlap.peakMib} MiB`)
}
