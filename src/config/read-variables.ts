import { resolve } from 'node:path'
import type { Variable, Variables } from './check-variables.ts'
import { type DotEnv, parseDotEnv } from './dot-env.ts'
import { readTextFile, reasonOf } from './text-file.ts'

type Named = readonly [name: string, variable: Variable]

/**
 * Reads the variables of the environment over those of a `.env` file in the directory, without the
 * names that an override replaces.
 */
export function readVariables(
  directory: string,
  environment: Readonly<Record<string, string | undefined>>,
  overrides: Readonly<Record<string, string>>,
): { readonly given: Variables; readonly problems: readonly string[] } {
  const { values, problems } = readDotEnv(resolve(directory, '.env'))
  const ofFile = [...values].map(
    ([name, { value, line }]): Named => [name, { value, origin: `.env line ${line}` }],
  )
  const ofEnvironment = Object.entries(environment).flatMap(([name, value]): Named[] =>
    value === undefined ? [] : [[name, { value, origin: 'environment' }]],
  )
  const given = [...ofFile, ...ofEnvironment].filter(([name]) => !(name in overrides))
  return { given: new Map(given), problems }
}

function readDotEnv(file: string): DotEnv {
  try {
    return parseDotEnv(readTextFile(file))
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    const problems = isAbsent ? [] : [`${file}: expected lines NAME=value: ${reasonOf(error)}`]
    return { values: new Map(), problems }
  }
}
