import { type Command, InvalidArgumentError } from 'commander'
import { readDate } from '../csv/cell/dates.ts'
import { exitCodes } from '../exit-codes.ts'

/** Parses the value of an option. @throws InvalidArgumentError for anything but digits. */
export function parseWholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected a whole number.')
}

const workersMax = 64

/** Parses a number of accounts side by side. @throws InvalidArgumentError for anything but 1 to 64. */
export function parseWorkers(text: string): number {
  const workers = /^\d{1,2}$/.test(text) ? Number(text) : 0
  if (workers >= 1 && workers <= workersMax) return workers
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${workersMax}.`)
}

/** Parses a port; 0 stands for a free one. @throws InvalidArgumentError for anything else. */
export function parsePort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return Number(text)
  throw new InvalidArgumentError('Expected a port, from 0 to 65535.')
}

/** Beyond a quarter of an hour a statement is for a job of its own. */
const secondsMax = 900

/** Parses a time limit. @throws InvalidArgumentError for anything but 1 to 900. */
export function parseSeconds(text: string): number {
  const seconds = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (seconds >= 1 && seconds <= secondsMax) return seconds
  throw new InvalidArgumentError(`Expected a number of seconds from 1 to ${secondsMax}.`)
}

const carryDaysMax = 366

/** Parses the days for which a rate is used. @throws InvalidArgumentError for anything but 0 to 366. */
export function parseDays(text: string): number {
  if (/^\d{1,3}$/.test(text) && Number(text) <= carryDaysMax) return Number(text)
  throw new InvalidArgumentError(`Expected a number of days from 0 to ${carryDaysMax}.`)
}

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Parses an age to milliseconds. @throws InvalidArgumentError for anything but 90m, 26h, 2d. */
export function parseAge(text: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  if (count !== undefined) return Number(count) * (unitMs[unit] ?? 0)
  throw new InvalidArgumentError('Expected minutes, hours or days such as 90m, 26h or 2d.')
}

/** Parses a day. @throws InvalidArgumentError for anything but a day of 2000 to 2099. */
export function parseDay(text: string): string {
  if (/^\d{4}-\d\d-\d\d$/.test(text) && readDate(text, 'mdy') === text) return text
  throw new InvalidArgumentError('Expected a day of 2000 to 2099 as YYYY-MM-DD.')
}

export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`
}

export function exitCodeHelp(): string {
  const lines = Object.values(exitCodes).map(
    ({ code, meaning }) => `  ${String(code).padEnd(3)}  ${meaning}`,
  )
  return ['Exit codes:', ...lines].join('\n')
}

/** Adds a command with the options that all commands share. */
export function addCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--json', 'end with one line of JSON instead of text')
    .exitOverride()
}

/** Adds the option of commands that load to write metrics. */
export function addMetricsOption(command: Command): Command {
  return command.option(
    '--metrics-file <file>',
    "write metrics for Prometheus' textfile collector, also when it fails",
  )
}

/** Adds the options of commands that load several accounts. */
export function addWorkerOptions(command: Command): Command {
  return command
    .option(
      '--workers <count>',
      'accounts that are loaded side by side (one a core, at most 4)',
      parseWorkers,
    )
    .option(
      '--tolerate <count>',
      'failed accounts that leave the exit code 0 while others publish (0)',
      parseWholeNumber,
    )
}

/** Simulated partner of `cosell demo` and `cosell sandbox` without options. */
export const defaultReferrals = 2_000
export const defaultSeed = 1

/** Adds the options that describe a simulated partner. */
export function addPopulationOptions(command: Command): Command {
  return command
    .option(
      '--referrals <count>',
      'referrals of the simulated partner',
      parseWholeNumber,
      defaultReferrals,
    )
    .option('--seed <number>', 'another seed makes another partner', parseWholeNumber, defaultSeed)
    .option('--change <count>', 'referrals changed since the base state', parseWholeNumber, 0)
}
