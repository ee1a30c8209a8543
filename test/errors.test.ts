import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import {
  type ErrorCode,
  type ErrorEntry,
  errorCodeFamilies,
  errorCodes,
} from '../src/error-codes.ts'
import { CosellError } from '../src/errors.ts'
import { exitCodes, type FailureKind } from '../src/exit-codes.ts'
import { checkNames } from '../src/load/publish/checks.ts'

const source = fileURLToPath(new URL('../src/', import.meta.url))
const entries = Object.entries<ErrorEntry>({ ...errorCodes, ...errorCodeFamilies })

/** Codes in quotes or backquotes anywhere in src but the table, with what is computed cut off. */
const codesInSource = new Set(
  readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && name !== 'error-codes.ts')
    .flatMap((name) => [
      ...readFileSync(`${source}${name}`, 'utf8').matchAll(/['`]([a-z_]+(?:\.[a-z_]*)?)(?=['`$])/g),
    ])
    .map(([, code = '']) => code),
)

describe('error codes', () => {
  test.each(entries)('error code %s is thrown somewhere in src', (code) => {
    const [kind, name = ''] = code.split('.')
    // listenToSignals computes the codes of signals.
    const thrown = kind === 'signal' && name in exitCodes ? 'signal.' : code
    expect(codesInSource).toContain(thrown)
  })

  test.each(entries)(
    'error code %s has a meaning and a remedy of whole sentences',
    (code, entry) => {
      expect(code).toMatch(/^[a-z_]+(\.[a-z_]*)?$/)
      expect(entry.meaning).toMatch(/^[A-Z].*\.$|^(root|MSAL) .*\.$|^COSELL_.*\.$/)
      expect(entry.remedy).toMatch(/^[A-Z].*\.$/)
    },
  )

  test('error codes are sorted, so that one finds a code and adds one at its place', () => {
    const codes = Object.keys(errorCodes)
    expect(codes).toEqual([...codes].sort())
  })

  test('every check of sql/checks has the entry of its family', async () => {
    for (const name of await checkNames()) {
      expect(new CosellError(`check.${name}`, 'Rows.')).toMatchObject({ exitCode: 65 })
    }
  })
})

describe('CosellError', () => {
  test.each<{ code: ErrorCode; kind: FailureKind; exitCode: number }>([
    { code: 'account.unknown', kind: 'usage', exitCode: 2 },
    { code: 'lease.held', kind: 'accountHeld', exitCode: 4 },
    { code: 'full_read.too_many_missing', kind: 'checkFailed', exitCode: 65 },
    { code: 'check.history_is_seamless', kind: 'checkFailed', exitCode: 65 },
    { code: 'api.status_418', kind: 'sourceBroken', exitCode: 69 },
    { code: 'unexpected', kind: 'bug', exitCode: 70 },
    { code: 'run.deadline', kind: 'tryAgainLater', exitCode: 75 },
    { code: 'auth.invalid_grant', kind: 'signIn', exitCode: 77 },
    { code: 'config.invalid', kind: 'configuration', exitCode: 78 },
    { code: 'output.not_written', kind: 'resultLost', exitCode: 74 },
    { code: 'signal.hangup', kind: 'hangup', exitCode: 129 },
    { code: 'signal.interrupted', kind: 'interrupted', exitCode: 130 },
    { code: 'signal.terminated', kind: 'terminated', exitCode: 143 },
  ])('CosellError $code is of kind $kind and ends with $exitCode', ({ code, kind, exitCode }) => {
    expect(new CosellError(code, 'Text.')).toMatchObject({ code, kind, exitCode })
  })

  test('CosellError takes no code that the table does not have', () => {
    // @ts-expect-error an undeclared code does not compile
    expect(new CosellError('api.no_such_code', 'Text.').code).toBe('api.no_such_code')
  })
})

test('exit codes are different and ascending', () => {
  const codes = Object.values(exitCodes).map(({ code }) => code)
  expect(codes).toEqual([...new Set(codes)].sort((one, other) => one - other))
})
