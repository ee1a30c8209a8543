/** Result of `cosell migrate --json`. */
export interface MigrationResult {
  readonly status: 'migrated'
  readonly applied: readonly string[]
  readonly views: readonly string[]
  /** Tables whose sequence was behind their largest key, and is no longer. */
  readonly sequences: readonly string[]
  readonly row_level_security: 'on' | 'off'
  /** SQL that an administrator has to run, because this role may not. */
  readonly statements: readonly string[]
}

export function renderMigration(
  { applied, views, sequences, row_level_security, statements }: MigrationResult,
  { isSwitched, isMapEmpty }: { isSwitched: boolean; isMapEmpty: boolean },
): string {
  const state = applied.length === 0 ? 'is already up to date' : `now has ${applied.join(', ')}`
  const lines = [`The schema ${state}.`]
  if (views.length > 0) lines.push(`Views that changed: ${views.join(', ')}.`)
  if (sequences.length > 0) {
    lines.push(`Sequences that were behind their tables, and are set: ${sequences.join(', ')}.`)
  }
  if (isSwitched) lines.push(`Row-level security is ${row_level_security}.`)
  if (isMapEmpty) {
    lines.push('Readers see no rows: etl.bi_access does not assign an account to any role yet.')
  }
  if (statements.length > 0) {
    lines.push(
      '',
      'This role lacks the right to set up all groups and grants.',
      'An administrator has to run, in this database:',
      '',
      ...statements,
    )
  }
  return lines.join('\n')
}
