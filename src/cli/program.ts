import type { Command } from 'commander'
import { variableHelp } from '../config.ts'
import { appVersion } from '../version.ts'
import { exitCodeHelp } from './help.ts'
import { commanderOutput } from './output.ts'
import { addAskCommands } from './program/ask.ts'
import { addKeepCommands } from './program/keep.ts'
import { addLoadCommands } from './program/load.ts'
import { addLookCommands } from './program/look.ts'
import { addQueueCommands } from './program/queue.ts'
import { addTryCommands } from './program/try.ts'
import { StrictCommand } from './strict-command.ts'

/**
 * Builds the command line: every command with its options, help and examples. What a command does is
 * imported when it is called, so that `--help` starts without the packages of a load.
 */
export function createProgram(): Command {
  const program = new StrictCommand('cosell')
    .description('Loads Microsoft Partner Center referrals into a PostgreSQL star schema.')
    .version(appVersion)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput(commanderOutput)
    .addHelpText('after', () => `\n${variableHelp()}\n\n${exitCodeHelp()}`)

  program.commandsGroup('Load:')
  addLoadCommands(program)
  addQueueCommands(program)
  program.commandsGroup('Look:')
  addLookCommands(program)
  addAskCommands(program)
  program.helpCommand('help [command]', 'Show the options of a command, with examples.')
  program.commandsGroup('Keep:')
  addKeepCommands(program)
  program.commandsGroup('Try:')
  addTryCommands(program)
  return program
}
