import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { completionScript } from '../../src/cli/completion.ts'
import { createProgram } from '../../src/cli/program.ts'

const program = createProgram()
const isThere = (shell: string) => spawnSync(shell, ['--version']).status === 0

/** Words that bash offers after `line`, whose last word is being typed. */
function offeredByBash(line: string): string[] {
  const words = line.split(' ')
  const script = `${completionScript('bash', program)}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length - 1}
_cosell
printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' })
  expect(stderr).toBe('')
  return stdout.split('\n').filter((word) => word !== '')
}

/** Words that fish offers after `line`, without their descriptions. */
function offeredByFish(line: string): string[] {
  const script = `${completionScript('fish', program)}\ncomplete -C '${line}'`
  const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', script], { encoding: 'utf8' })
  expect(stderr).toBe('')
  return stdout
    .split('\n')
    .map((word) => word.split('\t')[0] ?? '')
    .filter((word) => word !== '')
}

const lines = [
  { line: 'cosell rep', words: ['report'] },
  { line: 'cosell run --f', words: ['--full'] },
  { line: 'cosell quarantine re', words: ['retry'] },
  { line: 'cosell migrate --row-level-security o', words: ['on', 'off'] },
  { line: 'cosell demo --se', words: ['--seed'] },
  { line: 'cosell export lake --format ', words: ['csv', 'parquet'] },
]

describe('completion', () => {
  test.each(lines)('bash offers $words after "$line"', ({ line, words }) => {
    expect(offeredByBash(line).sort()).toEqual([...words].sort())
  })

  test.each(lines)('fish offers $words after "$line", where fish is installed', (row) => {
    if (isThere('fish')) expect(offeredByFish(row.line).sort()).toEqual([...row.words].sort())
  })

  test('bash offers every command of the program', () => {
    const names = program.commands.map((command) => command.name())
    expect(offeredByBash('cosell ')).toEqual(expect.arrayContaining(names))
  })

  test('bash leaves the value of an option that takes a file to its completion of file names', () => {
    expect(offeredByBash('cosell report --out ')).toEqual([])
    expect(completionScript('bash', program)).toContain('complete -o default -F _cosell cosell')
  })

  test('zsh reads the script, where zsh is installed', () => {
    if (!isThere('zsh')) return
    const script = `autoload -U compinit; compinit -D -u\n${completionScript('zsh', program)}\nwhence _cosell`
    const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', script], { encoding: 'utf8' })
    expect({ stdout: stdout.slice(0, 7), stderr }).toEqual({ stdout: '_cosell', stderr: '' })
  })
})
