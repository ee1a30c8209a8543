import { type Setting, settingRows } from '../../src/config.ts'
import { code, page, sentence, table } from './markdown.ts'

const audience = 'For operators who configure `cosell`.'

const example = `\`\`\`json
[
  { "account": "north", "tenantId": "…", "clientId": "…" },
  { "account": "south", "tenantId": "…", "clientId": "…" }
]
\`\`\``

export function settingsPage(): string {
  const perAccount = settingRows.filter(([, setting]) => setting.perAccount)
  return page('Settings', audience, [
    'A setting is an environment variable. A file `.env` in the working directory holds the same ' +
      'variables, and the environment takes precedence over it. A blank value counts as unset. ' +
      'A variable that begins with `COSELL_` and is not listed here ends every command with ' +
      'exit code 78, and so does a value that is not accepted. `.env.example` in the root of the ' +
      'repository lists all of them to copy; `cosell doctor` shows the ones in force.',
    'A secret is never printed or logged. Of `COSELL_DATABASE_URL`, `cosell doctor` shows user, host ' +
      'and database.',
    table(['Variable', 'Meaning', 'Accepts', 'Default'], settingRows.map(toRow)),
    '## Several accounts',
    '`COSELL_ACCOUNTS_FILE` names a JSON file with a list of accounts. It takes the place of the ' +
      'variables below; each property has the meaning, values and default of its variable.',
    example,
    table(
      ['Property', 'Variable'],
      perAccount.map(([name, { field }]) => [code(field), code(name)]),
    ),
    '## Limits in the warehouse',
    'Limits of a load, such as the largest share of quarantined referrals, are rows of ' +
      '`etl.setting`. `cosell doctor` lists them, and the ' +
      '[dictionary](../dictionary/operators.md) describes the table.',
  ])
}

function toRow([name, setting]: readonly [string, Setting]): string[] {
  const { parser, meaning, isSecret, onlyEmbedded, default: otherwise } = setting
  const notes = [
    sentence(meaning),
    ...(isSecret ? ['Secret.'] : []),
    ...(onlyEmbedded ? ['Embedded warehouse only.'] : []),
  ]
  return [
    code(name),
    notes.join(' '),
    parser.description ?? 'text',
    otherwise === undefined ? '' : code(otherwise),
  ]
}

/** Returns `.env.example`: every variable with its default, commented out. */
export function envExample(): string {
  const blocks = settingRows.map(([name, { meaning, parser, default: otherwise = '' }]) => {
    const accepts = parser.description === undefined ? '' : ` Accepts ${parser.description}.`
    return `# ${sentence(meaning)}${accepts}\n#${name}=${otherwise}\n`
  })
  const head =
    '# Settings of cosell with their defaults. Copy this file to .env in the working directory, and\n' +
    '# remove the # before a variable to set it. Written by npm run docs.\n'
  return [head, ...blocks].join('\n')
}
