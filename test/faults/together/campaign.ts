import { parseArgs } from 'node:util'
import { buildTemplate, startThrowaway } from '../../support/global-setup.ts'
import { compile } from '../crash/program.ts'
import { runTogether } from './run-together.ts'

// Accounts that share a warehouse, a process each; each round on a new database:
//   tsx test/faults/together/campaign.ts
//   tsx test/faults/together/campaign.ts --publish-seconds 75 --referrals 400

const { values } = parseArgs({
  options: {
    accounts: { type: 'string', default: '8' },
    referrals: { type: 'string', default: '200' },
    kills: { type: 'string', default: '3' },
    'publish-seconds': { type: 'string', default: '3' },
    nights: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
  },
})

const program = await compile()
const server = await startThrowaway()
let failed = 0
try {
  const failure = await buildTemplate(server.url, 'cosell_together')
  if (failure !== '') throw new Error(failure)
  for (let round = 1; round <= Number(values.rounds); round++) {
    const startedAt = Date.now()
    const { problems, processes, deadlocks, newPairs } = await runTogether({
      server: server.url,
      template: 'cosell_together',
      door: program.door,
      accounts: Number(values.accounts),
      referrals: Number(values.referrals),
      kills: Number(values.kills),
      publishSeconds: Number(values['publish-seconds']),
      nights: Number(values.nights),
    })
    failed += problems.length
    const seconds = Math.round((Date.now() - startedAt) / 1000)
    print(
      `round ${round}: ${processes} processes, ${newPairs} new pairs, ${deadlocks} deadlocks, ` +
        `${problems.length} problems; ${seconds} s`,
    )
    for (const problem of problems) print(`  ${problem.replaceAll('\n', '\n  ')}`)
  }
} finally {
  await server.stop()
  await program.remove()
}
process.exitCode = failed === 0 ? 0 : 1

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
