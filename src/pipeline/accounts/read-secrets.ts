import { type ChildProcess, spawn } from 'node:child_process'
import { open } from 'node:fs/promises'
import type { SecretField } from '../../config/account-config.ts'
import { describeReference, type SecretReference } from '../../config/secret-reference.ts'
import type { AccountConfig } from '../../config.ts'
import { CosellError } from '../../errors.ts'
import { modeForOthers } from '../../extract/auth/token-store.ts'
import type { RunContext } from '../run-context.ts'

/** Clients of vaults ask a service over the network; a run has other accounts meanwhile. */
const commandMsMax = 30_000
/** Tokens have some thousand bytes. */
const bytesMax = 65_536

const words: Readonly<Record<SecretField, string>> = {
  clientSecret: 'client secret',
  refreshToken: 'refresh token',
  accessToken: 'access token',
}

/**
 * Returns an account with its secrets, read from where they are now. One of the settings has them.
 *
 * @throws CosellError `configuration` when a secret is not there, `tryAgainLater` when the program that
 * prints it takes too long; never with what a file holds or a program says.
 */
export async function readSecrets(
  { config, signal }: Pick<RunContext, 'config' | 'signal'>,
  account: AccountConfig,
  msMax = commandMsMax,
): Promise<AccountConfig> {
  const references = Object.entries(account.secretsFrom ?? {}) as [SecretField, SecretReference][]
  const secrets: Partial<Record<SecretField, string>> = {}
  for (const [field, from] of references) {
    signal.throwIfAborted()
    const place = `Account "${account.name}", ${words[field]} of ${describeReference(from)}`
    const text = await readSecret(from, place, { variable: config.variable, signal, msMax })
    const secret = text.trim()
    if (!/^\P{Cc}+$/u.test(secret)) {
      const got = secret === '' ? 'nothing' : 'several lines or control characters'
      throw new CosellError(
        codes[from.kind],
        `${place}: expected one line, got ${got}. ${remedies[from.kind]}`,
      )
    }
    secrets[field] = secret
  }
  return { ...account, ...secrets }
}

const codes = { env: 'secret.variable', file: 'secret.file', command: 'secret.command' } as const
const remedies = {
  env: 'Set the variable in the environment of the job or in .env.',
  file: 'Put the secret, and nothing else, into the file.',
  command: 'Run it as the account of the machine that loads; what it prints is not shown here.',
} as const

interface Reading {
  readonly variable: (name: string) => string | undefined
  readonly signal: AbortSignal
  readonly msMax: number
}

async function readSecret(from: SecretReference, place: string, reading: Reading): Promise<string> {
  if (from.kind === 'env') return reading.variable(from.name) ?? ''
  if (from.kind === 'file') return readPrivateFile(from.path, place)
  return readPrinted(from.program, from.args, place, reading)
}

async function readPrivateFile(path: string, place: string): Promise<string> {
  try {
    const file = await open(path, 'r')
    try {
      const shared = modeForOthers((await file.stat()).mode)
      if (shared !== undefined) {
        const text = `${place}: expected mode 0600, got ${shared}. Others may have read the secret; give it anew if so, and run chmod 600 on the file.`
        throw new CosellError('secret.file_mode', text)
      }
      const { bytesRead, buffer } = await file.read(Buffer.alloc(bytesMax))
      return buffer.toString('utf8', 0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof CosellError) throw error
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    const text = `${place}: expected a file with the secret, and it cannot be read (${code}). Check the path and the owner of the file.`
    throw new CosellError('secret.file', text)
  }
}

/** Elsewhere a program on its own opens a window, and there is no signal to several. */
const hasGroups = process.platform !== 'win32'

/** Kills a program, and what it has started and has not left its group: that may hold the pipe open. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(hasGroups ? -pid : pid, 'SIGKILL')
  } catch {
    // All of it has ended already.
  }
}

/** Runs a program without a shell, and returns what it prints. Its errors go nowhere: they may quote it. */
function readPrinted(
  program: string,
  args: readonly string[],
  place: string,
  { signal, msMax }: Reading,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'ignore'],
      windowsHide: true,
      detached: hasGroups,
    })
    const chunks: Buffer[] = []
    let size = 0
    let isClosed = false
    const end = (use: () => void) => {
      clearTimeout(late)
      signal.removeEventListener('abort', abort)
      // Afterwards its number may be another program's, and what it left running is meant to run.
      if (!isClosed) killGroup(child)
      child.stdout.destroy()
      use()
    }
    const fail = (got: string) =>
      end(() => {
        const text = `${place}: expected it to print the secret and to end with 0, ${got}. ${remedies.command}`
        reject(new CosellError('secret.command', text))
      })
    const abort = () => end(() => reject(signal.reason))
    const late = setTimeout(() => {
      const text = `${place}: expected it to end within ${msMax / 1_000} s, and it does not. See whether the service that it asks answers, then run again.`
      end(() => reject(new CosellError('secret.command_too_long', text)))
    }, msMax)
    signal.addEventListener('abort', abort, { once: true })
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > bytesMax) fail(`it prints more than ${bytesMax} bytes`)
    })
    child.once('error', (error: NodeJS.ErrnoException) => {
      fail(`it does not start (${error.code ?? 'unknown error'})`)
    })
    child.once('close', (code, killedBy) => {
      isClosed = true
      if (code === 0) end(() => resolve(Buffer.concat(chunks).toString('utf8')))
      else fail(killedBy === null ? `it ended with ${code}` : `it was ended by ${killedBy}`)
    })
  })
}
