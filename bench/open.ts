/**
 * Times the answers of `cosell open` over HTTP: `npm run bench:open [-- referrals]`, 300,000 by default.
 * The first view is what the page asks for first, with nothing read ahead; a changed filter, another
 * day and the other views come after it. Goals on two cores at a million: a first view within two
 * seconds, a changed filter within one.
 */
import { createLog } from '../src/log.ts'
import { servePage } from '../src/open/http/serve.ts'
import { routesOf } from '../src/open/routes.ts'
import { openWarehouse } from '../src/warehouse/open.ts'
import { openReader } from '../src/warehouse/reader/open-reader.ts'
import { startThrowaway } from '../test/support/global-setup.ts'
import { fillMarts } from './marts-warehouse.ts'

const [size = '300000'] = process.argv.slice(2)
const elsewhere = {
  home: '/nowhere',
  postgresBinDir: undefined,
  postgresOsUser: undefined,
  path: '',
}

const throwaway = await startThrowaway()
try {
  await measure(throwaway.url)
} finally {
  await throwaway.stop()
}

async function measure(databaseUrl: string) {
  const { logger } = createLog({ isTerminal: false, write: (line) => process.stderr.write(line) })
  const opened = await openWarehouse({ ...elsewhere, databaseUrl }, logger)
  try {
    await fillMarts(opened, Number(size))
    const reader = await openReader(opened, { databaseUrl, readerDatabaseUrl: undefined })
    const routes = routesOf(reader, opened.query)
    const server = await servePage({ files: new Map(), routes, port: 0, logger })
    try {
      await timeAnswers(server.url)
    } finally {
      await server.close()
      await reader.close()
    }
  } finally {
    await opened.close()
  }
}

async function timeAnswers(address: string) {
  const ask = async (route: string) => {
    const answer = await fetch(`${address}data/${route}`)
    const body = await answer.text()
    if (answer.status !== 200) throw new Error(`${route}: ${answer.status} ${body}`)
    return body.length
  }
  const time = async (name: string, ...routes: readonly string[]) => {
    const started = performance.now()
    const sizes = await Promise.all(routes.map(ask))
    const bytes = sizes.reduce((sum, one) => sum + one, 0)
    say(name, `${Math.round(bytes / 1024)} KiB`, Math.round(performance.now() - started))
  }
  await time('first view', 'choices', 'pipeline')
  await time('changed filter', 'pipeline?country=DE&period=FY27')
  await time('another day', 'pipeline?as_of=2026-03-31&compare=2025-12-31')
  await time('rows of a stage', 'list?set=open&stage=Active')
  await time('rows of a movement', 'list?set=movement&kind=won')
  for (const view of ['trend', 'funnel', 'won', 'registrations', 'quality']) {
    await time(view, view)
    await time(`${view}, filtered`, `${view}?period=FY26&country=DE`)
  }
  await time('a referral', 'referral?account_key=1&referral_key=11')
  await time('file of open deals', 'list.csv?set=open')
}

function say(name: string, figure: string, ms: number) {
  process.stdout.write(`${name.padEnd(26)} ${figure.padStart(12)} ${`${ms} ms`.padStart(10)}\n`)
}
