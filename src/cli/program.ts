import type { Command } from 'commander'
import { variableHelp } from '../config.ts'
import { appVersion } from '../version.ts'
import { addAccount } from './commands/account.ts'
import { addBackfill } from './commands/backfill.ts'
import { addDemo } from './commands/demo.ts'
import { addDocs } from './commands/docs.ts'
import { addDoctor } from './commands/doctor.ts'
import { addFx } from './commands/fx.ts'
import { addLogin } from './commands/login.ts'
import { addMigrate } from './commands/migrate.ts'
import { addQuarantine } from './commands/quarantine.ts'
import { addRebuild } from './commands/rebuild.ts'
import { addReport } from './commands/report.ts'
import { addRun } from './commands/run.ts'
import { addSandbox } from './commands/sandbox.ts'
import { addStatus } from './commands/status.ts'
import { addWarehouse } from './commands/warehouse.ts'
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

  addDemo(program)
  addRun(program)
  addBackfill(program)
  addRebuild(program)
  addFx(program)
  addLogin(program)
  addDoctor(program)
  addStatus(program)
  addAccount(program)
  addQuarantine(program)
  addReport(program)
  addDocs(program)
  addMigrate(program)
  addWarehouse(program)
  addSandbox(program)
  return program
}
