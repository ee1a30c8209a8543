import { pino } from 'pino'
import { ping } from '../../../src/cli/ping.ts'
import { loadConfig } from '../../../src/config.ts'
import { createReferralsApi } from '../../../src/extract/api/referrals-api.ts'
import { firstPage, memoryStore } from '../support.ts'

// Separate process: signs in, reads a page and pings, by the settings of its environment alone. Prints
// the number of referrals read, or the error, and what was logged.

const lines: string[] = []
const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) })
const config = loadConfig()
const [account] = config.accounts
if (account === undefined) throw new Error('no account')
const api = createReferralsApi({
  ...config,
  ...account,
  tokenStore: memoryStore('stored'),
  random: () => 0,
  log,
})
const read = await api.getPage(firstPage).then(
  ({ referrals }) => ({ referrals: referrals.length }),
  ({ code, message }: { code?: string; message: string }) => ({ code, message }),
)
await api.close()
await ping(config, 'done', { status: 'published' }, log)
process.stdout.write(JSON.stringify({ ...read, log: lines.join('') }))
