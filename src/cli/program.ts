import type { Command } from 'commander'
import { variableHelp } from '../config.ts'
import { appVersion } from '../version.ts'
import { addAccount } from './commands/keep/account.ts'
import { addCompletion } from './commands/keep/completion.ts'
import { addForget } from './commands/keep/forget.ts'
import { addLogin } from './commands/keep/login.ts'
import { addMigrate } from './commands/keep/migrate.ts'
import { addWarehouse } from './commands/keep/warehouse.ts'
import { addBackfill } from './commands/load/backfill.ts'
import { addFx } from './commands/load/fx.ts'
import { addRebuild } from './commands/load/rebuild.ts'
import { addRun } from './commands/load/run.ts'
import { addDocs } from './commands/look/docs.ts'
import { addDoctor } from './commands/look/doctor.ts'
import { addQuarantine } from './commands/look/quarantine.ts'
import { addReport } from './commands/look/report.ts'
import { addStatus } from './commands/look/status.ts'
import { addDemo } from './commands/try/demo.ts'
import { addSandbox } from './commands/try/sandbox.ts'
import { exitCodeHelp } from './help.ts'
import { commanderOutput } from './output.ts'
import { StrictCommand } from './strict-command.ts'

/** Builds the command line: every command with its options, help and examples. */
export function createProgram(): Command {
  const program = new StrictCommand('cosell')
    .description('Loads Microsoft Partner Center referrals into a PostgreSQL star schema.')
    .version(appVersion)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput(commanderOutput)
    .addHelpText('after', () => `\n${variableHelp()}\n\n${exitCodeHelp()}`)

  program.commandsGroup('Load:')
  addRun(program)
  addBackfill(program)
  addRebuild(program)
  addFx(program)

  program.commandsGroup('Look:')
  addStatus(program)
  addDoctor(program)
  addReport(program)
  addQuarantine(program)
  addDocs(program)
  program.helpCommand('help [command]', 'Show the options of a command, with examples.')

  program.commandsGroup('Keep:')
  addLogin(program)
  addAccount(program)
  addForget(program)
  addMigrate(program)
  addWarehouse(program)
  addCompletion(program)

  program.commandsGroup('Try:')
  addDemo(program)
  addSandbox(program)
  return program
}
