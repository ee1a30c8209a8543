import type { Command } from 'commander'
import type { EnqueueFlags } from '../commands/load/enqueue.ts'
import type { WorkerFlags } from '../commands/load/worker.ts'
import { addCommand, examples, parseWorkers } from '../help.ts'

/** Adds the commands of the queue, which loads accounts on several machines. */
export function addQueueCommands(program: Command) {
  addEnqueue(program)
  addWorker(program)
}

function addEnqueue(program: Command) {
  addCommand(
    program,
    'enqueue',
    'Put one job an account on the queue, for `cosell worker` to load.',
  )
    .option('--backfill', 'jobs that read history, with --from')
    .option('--from <day>', 'first day of creation, YYYY-MM-DD')
    .option('--to <day>', 'first day that is not read (tomorrow)')
    .option('--account <name...>', 'these accounts alone')
    .option('--prepare', 'make the queue, or bring it up to date, and put nothing on it')
    .addHelpText(
      'after',
      examples(
        'cosell enqueue',
        'cosell enqueue --account contoso fabrikam --json',
        'cosell enqueue --backfill --from 2022-01-01 --to 2024-01-01',
        'cosell enqueue --prepare',
      ),
    )
    .addHelpText(
      'after',
      '\n\nAn account has one job at a time that waits, runs or is tried again later: a second one is left out.\n' +
        'Needs Node.js 22.12 or newer.',
    )
    .action(async (flags: EnqueueFlags) => {
      const { enqueueAccounts } = await import('../commands/load/enqueue.ts')
      await enqueueAccounts(flags)
    })
}

function addWorker(program: Command) {
  addCommand(program, 'worker', 'Load what waits on the queue, until it is stopped.')
    .option(
      '--workers <count>',
      'jobs that are loaded side by side (one a core, at most 4)',
      parseWorkers,
    )
    .addHelpText('after', examples('cosell worker', 'cosell worker --workers 8 --json'))
    .addHelpText(
      'after',
      '\n\nA job that ends with 75 or 4 is tried again after a pause, one that needs a person is given up. With\n' +
        '--json each job is a line. SIGTERM puts the jobs under way back. Needs Node.js 22.12 or newer.',
    )
    .action(async (flags: WorkerFlags) => {
      const { workQueue } = await import('../commands/load/worker.ts')
      await workQueue(flags)
    })
}
