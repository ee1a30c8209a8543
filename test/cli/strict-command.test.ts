import { CommanderError, type Option } from 'commander'
import { describe, expect, test } from 'vitest'
import { createProgram } from '../../src/cli/program.ts'
import { StrictCommand } from '../../src/cli/strict-command.ts'

/** Options that the command read, or what it complained about. */
function parse(args: readonly string[]): unknown {
  let complaint = ''
  let read: unknown
  const program = new StrictCommand('tool').exitOverride().configureOutput({
    writeErr: (text) => {
      complaint += text
    },
  })
  program
    .command('write')
    .option('-o, --out <file>', 'file')
    .option('--tags <names...>', 'several')
    .option('--color [name]', 'optional')
    .option('--json', 'flag')
    .argument('[words...]')
    .action((words, options) => {
      read = { ...options, words }
    })
  try {
    program.parse(['write', ...args], { from: 'user' })
    return read
  } catch (error) {
    expect(error).toBeInstanceOf(CommanderError)
    return complaint
  }
}

describe('an option with a value', () => {
  test.each([
    { args: ['--out', '--json'], got: '--json' },
    { args: ['--out', '--unknown'], got: '--unknown' },
    { args: ['--out', '--out', 'x'], got: '--out' },
    { args: ['--out', '--'], got: '--' },
    { args: ['--out', '-x'], got: '-x' },
    { args: ['-o', '--json'], got: '--json' },
    { args: ['word', '--json', '--out', '-o'], got: '-o' },
    { args: ['--tags', '--json'], got: '--json' },
  ])('an option with a value refuses the option after it: $args', ({ args, got }) => {
    expect(parse(args)).toContain(`expected a value, got '${got}', which is read as an option`)
    expect(parse(args)).toContain(`write ./${got}`)
  })

  test.each([
    { args: ['--out=--json'], reads: { out: '--json' } },
    { args: ['-o--json'], reads: { out: '--json' } },
    { args: ['--out', './--json', '--json'], reads: { out: './--json', json: true } },
    { args: ['--out', '-', '--json'], reads: { out: '-', json: true } },
    { args: ['--out', '-5'], reads: { out: '-5' } },
    { args: ['--tags', 'a', 'b', '--json'], reads: { tags: ['a', 'b'], json: true } },
    { args: ['--color', '--json'], reads: { color: true, json: true } },
    { args: ['--', '--out', '--json'], reads: { words: ['--out', '--json'] } },
    { args: ['--out', 'x', '--', '--out', '-x'], reads: { out: 'x', words: ['--out', '-x'] } },
  ])('an option with a value reads $reads from $args', ({ args, reads }) => {
    expect(parse(args)).toEqual({ words: [], ...reads })
  })
})

/** Every option with a value of every command of cosell. */
const valued = createProgram().commands.flatMap((command) =>
  command.options
    .filter(({ required }) => required)
    .map((option): [string, Option] => [command.name(), option]),
)

test('cosell has options with values in at least six commands', () => {
  expect(new Set(valued.map(([command]) => command)).size).toBeGreaterThanOrEqual(6)
})

test.each(valued.map(([command, { long }]) => [command, String(long)] as const))(
  'cosell %s %s does not take the next option for its value',
  async (command, flag) => {
    let complaint = ''
    const program = createProgram()
    for (const one of program.commands) {
      one.configureOutput({
        writeErr: (text) => {
          complaint += text
        },
      })
    }
    const parsed = program.parseAsync([command, flag, '--json'], { from: 'user' })
    await expect(parsed).rejects.toMatchObject({ exitCode: 1 })
    expect(complaint).toContain(`${flag} `)
    expect(complaint).toContain("expected a value, got '--json'")
  },
)
