import { errorCodesPage, exitCodesPage } from './codes.ts'
import { commandsPage } from './commands.ts'
import { findingsPage } from './findings.ts'
import { jsonPage } from './json-results.ts'
import { page } from './markdown.ts'
import { envExample, settingsPage } from './settings.ts'

/** Returns the files that follow from the tables in the code, by path from the repository's root. */
export function referenceFiles(): Record<string, string> {
  return {
    'docs/reference/README.md': indexPage(),
    'docs/reference/commands.md': commandsPage(),
    'docs/reference/settings.md': settingsPage(),
    'docs/reference/exit-codes.md': exitCodesPage(),
    'docs/reference/error-codes.md': errorCodesPage(),
    'docs/reference/findings.md': findingsPage(),
    'docs/reference/json.md': jsonPage(),
    '.env.example': envExample(),
  }
}

function indexPage(): string {
  return page('Reference', 'For everybody who looks up a name or a number.', [
    [
      '- [Commands](commands.md): usage, options and examples',
      '- [Settings](settings.md): variables, values and defaults',
      '- [Exit codes](exit-codes.md): how a command ends, and whether to start it again',
      '- [Error codes](error-codes.md): cause and remedy of every failure',
      '- [Findings](findings.md): rules of data quality, and reasons of quarantine',
      '- [Results as JSON](json.md): keys of the last line with `--json`',
      '- [Data dictionary](../dictionary/README.md): tables and columns',
    ].join('\n'),
  ])
}
