import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { createProgram } from '../../src/cli/program.ts'
import { fencedBlocks, markdownPages, root } from '../support/markdown.ts'
import { loadOnce } from '../support/report-warehouse.ts'

interface WrittenCommand {
  readonly page: string
  readonly line: string
  readonly words: readonly string[]
}

/** Commands of cosell in some text of a page, with or without npm, comments left out. */
function commandsIn({ page, text }: { page: string; text: string }): WrittenCommand[] {
  const plain = text
    .replace(/\s+#.*$/gm, '')
    .replace(/npm run cosell --/g, 'cosell')
    .replace(/npm run demo(?: --)?/g, 'cosell demo')
  const commands = plain.matchAll(/(?:^|&& |\s|<\()cosell ([a-z-][^&|;<>)\n]*)/gm)
  return [...commands].map(([, rest = '']) => ({
    page,
    line: `cosell ${rest.trim()}`,
    words: wordsOf(rest),
  }))
}

/** Words as a shell takes them: what is quoted is one. */
function wordsOf(text: string): string[] {
  const words = text.match(/'[^']*'|"[^"]*"|\S+/g) ?? []
  return words.map((word) => word.replace(/^(['"])(.*)\1$/, '$2'))
}

const typed = ['sh', 'crontab'].flatMap(fencedBlocks).flatMap(commandsIn)
const mentioned = markdownPages
  .flatMap(({ name, prose }) =>
    [...prose.matchAll(/`(cosell [^`]+)`/g)].map(([, text = '']) => ({ page: name, text })),
  )
  .flatMap(commandsIn)

/** The program with commands that do nothing but read their arguments. */
function parser(): Command {
  const program = createProgram()
  const silent = { writeOut: () => undefined, writeErr: () => undefined }
  for (const command of [program, ...program.commands]) {
    command.configureOutput(silent).exitOverride()
    if (command !== program) command.action(() => undefined)
  }
  return program
}

describe('commands in documents', () => {
  test('the documents show every command of the program', () => {
    const shown = new Set(typed.map(({ words: [name] }) => name))
    const names = createProgram().commands.map((command) => command.name())
    expect(names.filter((name) => !shown.has(name))).toEqual([])
  })

  test.each(typed)('$page: the program accepts "$line"', async ({ words }) => {
    await parser()
      .parseAsync([...words], { from: 'user' })
      .catch((error: { code?: string }) => {
        if (!['commander.version', 'commander.helpDisplayed'].includes(error.code ?? ''))
          throw error
      })
  })

  test.each(mentioned)('$page: the program has the command and options of "$line"', ({ words }) => {
    const [name, ...others] = words
    const program = createProgram()
    const command = name?.startsWith('-')
      ? program
      : program.commands.find((one) => one.name() === name)
    expect(command).toBeDefined()
    const help = command?.helpInformation() ?? ''
    expect(others.filter((word) => word.startsWith('--') && !help.includes(word))).toEqual([])
  })

  test('every npm script that the documents name exists', () => {
    const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'))
    const named = markdownPages.flatMap(({ text }) =>
      [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name),
    )
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter((name) => !(name in scripts))).toEqual([])
  })
})

describe('SQL in documents', () => {
  const pipeline = loadOnce({ referrals: 300 })
  const statements = fencedBlocks('sql')
    .flatMap(({ page, text }) => text.split(/;\s*\n/).map((statement) => ({ page, statement })))
    .filter(({ statement }) => statement.trim() !== '')

  test('the documents hold enough statements to be worth a test', () => {
    expect(statements.length).toBeGreaterThan(20)
  })

  test.each(statements)('$page: PostgreSQL runs $statement', async ({ statement }) => {
    const { db } = pipeline()
    // A login made by an earlier block of the page is there for each; all of it is taken back.
    const rolledBack = db.transaction().execute(async (transaction) => {
      const login = /^\s*(?:alter role|create schema \w+ authorization) (\w+)/.exec(statement)
      if (login) await sql.raw(`create role ${login[1]}`).execute(transaction)
      await sql
        .raw(statement.replaceAll('{{report_day}}', "date '2026-06-30'"))
        .execute(transaction)
      throw new Error('rolled back')
    })
    await expect(rolledBack).rejects.toThrow('rolled back')
  })
})
