import { parseArgs } from 'node:util'
import { queueNode } from '../../support/queue-node.ts'
import { startPrivateServer } from '../crash/private-server.ts'
import { compile } from '../crash/program.ts'
import { runQueue } from './run-queue.ts'

// Many accounts by a queue, and workers in two homes: some are killed, and the server crashes.
//   npm run test:queue
//   npm run test:queue -- --accounts 12 --hurried

const { values } = parseArgs({
  options: {
    accounts: { type: 'string', default: '50' },
    referrals: { type: 'string', default: '60' },
    processes: { type: 'string', default: '4' },
    workers: { type: 'string', default: '1' },
    kills: { type: 'string', default: '1' },
    'publish-seconds': { type: 'string', default: '1' },
    hurried: { type: 'boolean', default: false },
  },
})

const node = await queueNode().catch((error: Error) => {
  print(`left out: npm does not have what the queue needs (${error.message.split('\n')[0]})`)
})
if (node !== undefined) {
  const program = await compile()
  const server = await startPrivateServer('first')
  try {
    const load = {
      accounts: Number(values.accounts),
      referrals: Number(values.referrals),
      processes: Number(values.processes),
      workers: Number(values.workers),
      kills: Number(values.kills),
      publishSeconds: Number(values['publish-seconds']),
      isHurried: values.hurried,
    }
    const { problems, retried, takenAgainSeconds, seconds } = await runQueue(load, {
      server,
      door: program.door,
      node,
    })
    print(
      `${load.accounts} accounts by ${load.processes} workers, ${load.kills} killed, the server once: ` +
        `${retried} jobs tried again, the first after ${takenAgainSeconds.toFixed(1)} s; ` +
        `${problems.length} problems; ${seconds} s`,
    )
    for (const problem of problems) print(`  ${problem.replaceAll('\n', '\n  ')}`)
    process.exitCode = problems.length === 0 ? 0 : 1
  } finally {
    await server.remove()
    await program.remove()
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
