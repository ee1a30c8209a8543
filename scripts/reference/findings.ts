import { findingRules } from '../../src/finding-rules.ts'
import { quarantineReasons } from '../../src/quarantine-reasons.ts'
import { code, page, sentence, table } from './markdown.ts'

export function findingsPage(): string {
  return page('Findings', 'For analysts who ask how far to trust a number, and for operators.', [
    'A finding is a doubt about data that was loaded. Its meaning says where a value was changed or ' +
      'ignored; all others are loaded as they came. ' +
      '`mart.data_quality` has one row for each; a finding about an account as a whole has no ' +
      'referral. The severity is `warn` when a figure may be wrong and `info` ' +
      'when it is only worth knowing. A finding goes once its cause is gone. `cosell findings` lists them ' +
      'by rule.',
    table(
      ['Rule', 'Severity', 'Meaning', 'What to do', 'Found in'],
      Object.entries(findingRules).map(([rule, { severity, meaning, remedy, source }]) => [
        code(rule),
        severity,
        sentence(meaning),
        sentence(remedy),
        source,
      ]),
    ),
    '## Quarantine',
    'A version of a referral that cannot be loaded is not a finding: it is in `etl.quarantine` with ' +
      'one of these reasons, and its referral keeps the rows of its last version that could be ' +
      'loaded. `cosell quarantine show` prints the place.',
    table(
      ['Reason', 'Meaning'],
      Object.entries(quarantineReasons).map(([reason, meaning]) => [code(reason), meaning]),
    ),
  ])
}
