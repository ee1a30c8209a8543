import type { Command } from 'commander'
import { createProgram } from '../../src/cli/program.ts'
import { code, page, table } from './markdown.ts'

/** Columns of a help text, whatever the terminal of the person who generates the page. */
const width = 100

export function commandsPage(): string {
  const { commands } = createProgram()
  return page('Commands', 'For everybody who runs `cosell`.', [
    'What follows is what `cosell COMMAND --help` prints. Every command reads the ' +
      '[settings](settings.md), ends with an [exit code](exit-codes.md), and with `--json` prints ' +
      'its [result as JSON](json.md).',
    table(
      ['Command', 'Purpose'],
      commands.map((command) => [
        `[${code(command.name())}](#cosell-${command.name()})`,
        command.description(),
      ]),
    ),
    ...commands.flatMap((command) => [
      `## cosell ${command.name()}`,
      `\`\`\`text\n${helpOf(command).trimEnd()}\n\`\`\``,
    ]),
  ])
}

/** Returns the help of a command, plain and of a fixed width. */
function helpOf(command: Command): string {
  let text = ''
  command
    .configureOutput({
      writeOut: (part) => {
        text += part
      },
      getOutHelpWidth: () => width,
      getOutHasColors: () => false,
    })
    .outputHelp()
  return text
}
