import { limiters, measure } from '../test/extract/http/hidden-limits.ts'

// Measures how much of an unpublished limit the rate limiter uses, and how often it gets a 429.
// Simulates an hour against each server on a virtual clock. Exits with 1 when a goal is missed.

const minutes = 60
const goals = { usedLeast: 0.9, throttledMost: 0.01 }

const cases = limiters.flatMap(({ name, create }) =>
  [60, 120, 300, 600, 1_200].flatMap((limit) =>
    [1, 2, 10].map((times) => ({ name, create, limit, ceiling: limit * times })),
  ),
)

process.stdout.write('server          limit/min  ceiling  used    429     learned/min\n')
let missed = 0
for (const { name, create, limit, ceiling } of cases) {
  const found = await measure({ server: create(limit), ceiling, minutes })
  const used = found.accepted / (limit * minutes)
  const throttled = found.throttled / (found.accepted + found.throttled)
  const isMissed = used < goals.usedLeast || throttled >= goals.throttledMost
  if (isMissed) missed += 1
  const cells = [
    name.padEnd(14),
    String(limit).padStart(10),
    String(ceiling).padStart(8),
    percent(used).padStart(7),
    percent(throttled).padStart(7),
    found.learnedRate.toFixed(0).padStart(10),
    isMissed ? '  missed' : '',
  ]
  process.stdout.write(`${cells.join(' ')}\n`)
}
process.stdout.write(
  `${cases.length - missed} of ${cases.length} use at least ${percent(goals.usedLeast)} with less than ` +
    `${percent(goals.throttledMost)} of 429\n`,
)
if (missed > 0) process.exitCode = 1

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`
}
