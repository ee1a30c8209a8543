import { once } from 'node:events'
import { pino } from 'pino'
import { createTokenStore } from '../../../src/extract/auth/token-store.ts'

// Separate process for tests of the token file. It saves without end, or waits for a byte of input
// and then renews eight times.

const [task, path = '', given = ''] = process.argv.slice(2)
const tokenStore = createTokenStore(path)

if (task === 'save') {
  for (let count = 1; ; count++) {
    await tokenStore.save(`${given}-${count}`)
    process.stdout.write(`${given}-${count}\n`)
  }
}

const { createReferralsApi } = await import('../../../src/extract/api/referrals-api.ts')
process.stdout.write('ready\n')
await once(process.stdin, 'data')
for (let count = 0; count < 8; count++) {
  const api = createReferralsApi({
    apiUrl: given,
    authorityUrl: given,
    clientId: 'client-1',
    tokenStore,
    pageSize: 1,
    requestsPerMinute: 60_000,
    concurrency: 1,
    network: {},
    log: pino({ level: 'silent' }),
  })
  await api.getPage({ orderBy: 'createdDateTime asc' })
  await api.close()
}
process.stdin.destroy()
