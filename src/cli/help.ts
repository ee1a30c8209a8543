import { type Command, InvalidArgumentError } from 'commander'
import { exitCodes } from '../errors.ts'

/** A flag's value as a number. @throws InvalidArgumentError for anything but digits. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected a whole number.')
}

export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`
}

export function exitCodeHelp(): string {
  const meanings: Record<keyof typeof exitCodes, string> = {
    done: 'done, also with a few referrals in quarantine (the summary says so)',
    usage: 'wrong usage',
    accountHeld: 'another run holds the account',
    checkFailed: 'a data check failed, nothing was published',
    sourceBroken: 'the API broke its contract',
    bug: 'a fault of cosell',
    tryAgainLater: 'try again later: throttled, database down, deadline',
    signIn: 'sign-in needs a person',
    configuration: 'wrong configuration',
    interrupted: 'interrupted (SIGINT)',
    terminated: 'terminated (SIGTERM)',
  }
  const lines = Object.entries(meanings).map(([kind, meaning]) => {
    const code = exitCodes[kind as keyof typeof exitCodes]
    return `  ${String(code).padEnd(3)}  ${meaning}`
  })
  return ['Exit codes:', ...lines].join('\n')
}

/** A command with what all of them share. */
export function command(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--json', 'end with one line of JSON instead of text for people')
    .exitOverride()
}

export function populationFlags(of: Command): Command {
  return of
    .option('--referrals <count>', 'referrals of the simulated partner', wholeNumber, 2_000)
    .option('--seed <number>', 'another seed makes another partner', wholeNumber, 1)
    .option('--change <count>', 'referrals that changed since the base state', wholeNumber, 0)
}
