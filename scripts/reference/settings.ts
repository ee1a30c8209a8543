import { type Setting, settingRows } from '../../src/config/settings.ts'
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
      'variables, and the environment takes precedence over it. `.env.example` in the root of the ' +
      'repository lists all of them to copy; `cosell doctor` shows the ones in force.',
    'A setting is read, or every command ends with exit code 78 and says which one and why:',
    [
      '- A value that is not accepted, and a name that begins with `COSELL_` or nearly is one of ' +
        'these, and is not listed here.',
      '- A blank value of a setting marked *never blank*, which would choose another warehouse or ' +
        'account. Any other blank value counts as unset, also over a value of `.env`.',
      '- A setting that another one makes idle. The settings of an account, marked *per account*, ' +
        'have no effect beside `COSELL_ACCOUNTS_FILE`, those of the embedded warehouse none ' +
        'beside `COSELL_DATABASE_URL`, and those of a sign-in none beside `COSELL_ACCESS_TOKEN`; ' +
        'tenant and sign-in address may stand beside it, since they name the source.',
      '- A value of the environment with its quotation marks, as `docker run --env-file` leaves ' +
        'them; a path with `~` or a variable, which is not replaced.',
    ].join('\n'),
    '`.env` is UTF-8 or, with a byte order mark, UTF-16, and so is the accounts file. A line is ' +
      '`NAME=value`, also after `export`, with or without quotation marks; a comment begins with ' +
      '`#` after a blank. A value that holds a `#` has to be quoted. A name that comes twice with ' +
      'two values, a lost quotation mark and a line that is none are refused with their number.',
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
  const { parser, meaning, default: otherwise } = setting
  const notes = [
    sentence(meaning),
    ...(setting.isSecret ? ['Secret.'] : []),
    ...(setting.isBlankRefused ? ['Never blank.'] : []),
    ...(setting.perAccount ? ['Per account.'] : []),
    ...(setting.onlySignIn ? ['Sign-in only.'] : []),
    ...(setting.onlyEmbedded ? ['Embedded warehouse only.'] : []),
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
