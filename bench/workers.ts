/**
 * Measures accounts side by side: `npm run bench:workers [-- referrals]`, 1,000 an account by default.
 * Eight accounts, each on an API that takes 400 ms an answer, are loaded with one worker and with four:
 * a first load, then a night of changes. Trust the ratios, and run it on a machine that does nothing else.
 */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Sandbox, startSandbox } from '../src/sandbox/api/sandbox-server.ts'
import { sandboxSettings } from '../src/sandbox/settings.ts'
import { startEmbedded } from '../src/warehouse/embedded/embedded.ts'
import { runWatched } from './load.ts'
import { say } from './say.ts'

const accountCount = 8
const answerMs = 400
const changedReferrals = 50
const goals = { clock: 0.5, cpu: 1.2 }
const workersMost = 4

/** What a command took from its start to its result: milliseconds, seconds of CPU of program and server, MiB. */
interface Taken {
  readonly ms: number
  readonly cpu: number
  readonly peakMib: number
}

interface Measured {
  readonly first: Taken
  readonly night: Taken
}

const referrals = Number(process.argv[2] ?? 1_000)
say('accounts', accountCount)
say('  referrals of each', referrals)
const one = await measure(1)
const four = await measure(workersMost)
compare('first load', one.first, four.first)
compare('night', one.night, four.night)
const peak = ({ first, night }: Measured) => Math.max(first.peakMib, night.peakMib)
const perWorker = (peak(four) - peak(one)) / (workersMost - 1)
say('peak memory, each further worker', `${perWorker.toFixed(0)} MiB`)

async function measure(workers: number): Promise<Measured> {
  const home = await mkdtemp(join(tmpdir(), 'cosell-bench-'))
  // When root starts it, the server runs under another account, which needs access.
  await chmod(home, 0o755)
  const embedded = await startEmbedded({ home, path: process.env.PATH ?? '' })
  const seeds = Array.from({ length: accountCount }, (_, index) => index + 1)
  const sandboxes = await Promise.all(
    seeds.map((seed) => startSandbox({ referrals, seed, answerMs })),
  )
  try {
    const file = join(home, 'accounts.json')
    await writeFile(file, JSON.stringify(sandboxes.map(accountOf)), { mode: 0o600 })
    const settings = {
      COSELL_HOME: home,
      COSELL_DATABASE_URL: embedded.url,
      COSELL_ACCOUNTS_FILE: file,
      COSELL_REQUESTS_PER_MINUTE: '100000',
    }
    // Otherwise the schema would be part of the first load.
    await runWatched(settings, ['rebuild'])
    const args = ['run', `--workers=${workers}`]
    const first = takenOf(await runWatched(settings, args))
    tell(`first load, ${workers} of them at once`, first)
    for (const sandbox of sandboxes) sandbox.change(changedReferrals)
    const night = takenOf(await runWatched(settings, args))
    tell(`night of ${changedReferrals} changes each, ${workers} at once`, night)
    return { first, night }
  } finally {
    for (const sandbox of sandboxes) await sandbox.close()
    await embedded.stop()
    await rm(home, { recursive: true, force: true })
  }
}

function accountOf({ url }: Sandbox, index: number) {
  const { COSELL_CLIENT_ID: clientId, COSELL_TENANT_ID: tenantId } = sandboxSettings(url)
  const refreshToken = sandboxSettings(url).COSELL_REFRESH_TOKEN
  const account = `account-${index + 1}`
  return { account, apiUrl: url, authorityUrl: url, clientId, tenantId, refreshToken }
}

function takenOf(watched: Awaited<ReturnType<typeof runWatched>>): Taken {
  const { startedAt, endedAt, samples, peakMib } = watched
  return { ms: endedAt - startedAt, cpu: samples.at(-1)?.cpu ?? 0, peakMib }
}

function tell(what: string, { ms, cpu, peakMib }: Taken) {
  say(what, `${cpu.toFixed(1)} s CPU, ${peakMib} MiB`, ms)
}

function compare(what: string, one: Taken, four: Taken) {
  const times = (more: number, less: number) => `${(more / less).toFixed(2)} times`
  say(`${what}, clock of four / one`, times(four.ms, one.ms), undefined, `≤ ${goals.clock}`)
  say(`${what}, CPU of four / one`, times(four.cpu, one.cpu), undefined, `≤ ${goals.cpu}`)
}
