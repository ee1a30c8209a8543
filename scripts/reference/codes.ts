import { readdirSync, readFileSync } from 'node:fs'
import { type ErrorEntry, errorCodeFamilies, errorCodes } from '../../src/error-codes.ts'
import { exitCodes, gravestFirst } from '../../src/exit-codes.ts'
import { code, page, sentence, table } from './markdown.ts'

const checks = new URL('../../sql/checks/', import.meta.url)

export function exitCodesPage(): string {
  return page('Exit codes', 'For operators whose scheduler acts on how a command ends.', [
    'Every command ends with one of these codes. Start it again after 75, after 4 once the other run ' +
      'has ended, and after 129, 130 and 143. After 74 the work is done. Every other code but 0 needs a change or a person first. ' +
      'With `--json` the last line has the code as `exit_code`, and an ' +
      '[error code](error-codes.md) that names the cause.',
    table(
      ['Code', 'Kind', 'Meaning'],
      Object.entries(exitCodes).map(([kind, exit]) => [
        String(exit.code),
        code(kind),
        sentence(exit.meaning),
      ]),
    ),
    'A command that loads several accounts ends with the code of the one that failed; of several ' +
      `different ones it is the gravest, in this order: ${gravestCodes()}. With \`--tolerate N\` up to ` +
      'N failed accounts leave it 0 while another one publishes; a signal and a fault of cosell are never tolerated. ' +
      '[`accounts`](json.md) of the last line has the code of each.',
  ])
}

/** Codes of failures in the order of their gravity. */
function gravestCodes(): string {
  return gravestFirst.map((kind) => exitCodes[kind].code).join(', ')
}

export function errorCodesPage(): string {
  const rows = [...Object.entries<ErrorEntry>(errorCodes), ...familyRows()]
  const groups = [...new Set(rows.map(([name]) => firstWord(name)))].sort()
  const sections = groups.flatMap((group) => [
    `## ${group}`,
    table(
      ['Code', 'Exit', 'What happened', 'What to do'],
      rows.filter(([name]) => firstWord(name) === group).map(toRow),
    ),
  ])
  return page(
    'Error codes',
    'For operators and for monitors that match on the cause of a failure.',
    [
      'A failed command prints a message with the place, the expected, the found and the remedy. With ' +
        '`--json` it ends with `{"status":"failed","code":…,"message":…,"exit_code":…}`; the log has ' +
        'the same `code`. A code stays as it is from version to version, the message may change. The ' +
        '[exit code](exit-codes.md) follows from the error code.',
      ...sections,
    ],
  )
}

/** Returns one row for every check, and one for all HTTP statuses. */
function familyRows(): [string, ErrorEntry][] {
  const ofChecks = readdirSync(checks)
    .sort()
    .map((file): [string, ErrorEntry] => {
      const [promise = ''] = readFileSync(new URL(file, checks), 'utf8').split('\n')
      const meaning = `Failed check: ${promise.replace(/^-- */, '')} Nothing was published.`
      return [`check.${file.replace(/\.sql$/, '')}`, { ...errorCodeFamilies['check.'], meaning }]
    })
  return [['api.status_NNN', errorCodeFamilies['api.status_']], ...ofChecks]
}

function firstWord(name: string): string {
  return name.split('.', 1)[0] ?? name
}

function toRow([name, { kind, meaning, remedy }]: [string, ErrorEntry]): string[] {
  return [code(name), String(exitCodes[kind].code), meaning, remedy]
}
