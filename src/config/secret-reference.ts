import { isAbsolute } from 'node:path'
import * as z from 'zod'

/** Where a secret is that is not stored: a variable, a file, or a program that prints it. */
export type SecretReference =
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'command'; readonly program: string; readonly args: readonly string[] }

const forms = 'env:NAME, file:/path or command:["program","argument"]'

/**
 * Reads `env:NAME`, `file:/path` and `command:["program","argument"]`. What is wrong is said without a
 * word of the text, which may be the secret itself.
 */
export const secretReference = z
  .string()
  .trim()
  .transform((text, context): SecretReference => {
    const read = readReference(text)
    if (typeof read !== 'string') return read
    context.addIssue({ code: 'custom', message: read })
    return z.NEVER
  })

/** Returns the reference, or what is wrong with the text. */
function readReference(text: string): SecretReference | string {
  const [, kind, rest = ''] = /^(env|file|command):(.*)$/s.exec(text) ?? []
  if (kind === 'env') return readName(rest)
  if (kind === 'file') return readPath(rest)
  if (kind === 'command') return readCommand(rest)
  return `expected where the secret is, ${forms}, got other text; a secret itself is never stored`
}

function readName(name: string): SecretReference | string {
  if (!/^[A-Za-z_]\w*$/.test(name)) return 'expected the name of a variable after env:'
  // As a variable of ours it would be the setting of another account, or an unknown one.
  if (/^cosell_/i.test(name)) return 'expected a variable whose name does not begin with COSELL_'
  return { kind: 'env', name }
}

function readPath(path: string): SecretReference | string {
  if (isAbsolute(path) && /^\P{Cc}+$/u.test(path)) return { kind: 'file', path }
  return 'expected an absolute path after file:'
}

function readCommand(json: string): SecretReference | string {
  const expected = 'expected a JSON list of a program and its arguments after command:'
  try {
    const parsed = z.array(z.string()).min(1).safeParse(JSON.parse(json))
    const [program = '', ...args] = parsed.data ?? []
    const isWhole = [program, ...args].every((text) => !text.includes('\0'))
    return program.trim() !== '' && isWhole ? { kind: 'command', program, args } : expected
  } catch {
    return expected
  }
}

/** Returns a reference as people are shown it: arguments of a program may hold a secret. */
export function describeReference(reference: SecretReference): string {
  if (reference.kind === 'env') return `env:${reference.name}`
  if (reference.kind === 'file') return `file:${reference.path}`
  const { program, args } = reference
  const count = args.length === 0 ? 'no' : args.length
  return `command:${program} (${count} ${args.length === 1 ? 'argument' : 'arguments'})`
}

/** Returns a stored reference as people are shown it; other text, which SQL may have stored, is not shown. */
export function describeStored(text: string): string {
  const read = secretReference.safeParse(text)
  return read.success ? describeReference(read.data) : 'not a reference'
}
