import { Argument, type Command, Option } from 'commander'
import { accountSettings } from '../../config.ts'
import type { AccountFlags } from '../commands/keep/account.ts'
import type { EraseFlags } from '../commands/keep/erase.ts'
import type { ForgetFlags } from '../commands/keep/forget.ts'
import type { LoginFlags } from '../commands/keep/login.ts'
import type { MigrateFlags } from '../commands/keep/migrate.ts'
import type { PurgeFlags } from '../commands/keep/purge.ts'
import type { WarehouseFlags } from '../commands/keep/warehouse.ts'
import { type CompletionShell, completionScript, completionShells } from '../completion.ts'
import { addCommand, examples } from '../help.ts'
import { type JsonFlag, printAnswer } from '../output.ts'

/** Adds the commands that keep accounts and the warehouse. */
export function addKeepCommands(program: Command) {
  addLogin(program)
  addAccount(program)
  addForget(program)
  addErase(program)
  addPurge(program)
  addMigrate(program)
  addWarehouse(program)
  addCompletion(program)
}

function addLogin(program: Command) {
  addCommand(
    program,
    'login',
    'Sign a person in with a code entered in a browser, and keep the sign-in.',
  )
    .option('--account <name>', 'needed when several accounts are configured')
    .addHelpText('after', examples('cosell login', 'cosell login --account contoso'))
    .action(async (flags: LoginFlags) => {
      const { signIn } = await import('../commands/keep/login.ts')
      await signIn(flags)
    })
}

function addAccount(program: Command) {
  const command = addCommand(
    program,
    'account',
    'List, store, change, rename, disable or enable the accounts of the warehouse.',
  )
    .addArgument(
      new Argument('<action>', 'what to do').choices([
        ...['list', 'add', 'change', 'rename', 'disable', 'enable'],
      ]),
    )
    .argument('[names...]', 'name of the account; rename: the present name and the new one')
  for (const { option, isSecret, meaning } of accountSettings) {
    const value = isSecret ? '<reference>' : '<value>'
    command.option(`--${option} ${value}`, isSecret ? `where it is: ${meaning}` : meaning)
  }
  command
    .addHelpText(
      'after',
      examples(
        'cosell account list --json',
        'cosell account add contoso --tenant-id contoso.example.com --client-id 0f1e… --client-secret env:CONTOSO_SECRET',
        'cosell account change contoso --client-secret file:/etc/cosell/contoso.secret',
        `cosell account change contoso --client-secret 'command:["vault","read","-field=secret","cosell/contoso"]'`,
        'cosell account rename default contoso',
        'cosell account disable contoso',
      ),
    )
    .addHelpText('after', accountHelp)
    .action(async (action: string, names: readonly string[], flags: AccountFlags) => {
      const { account } = await import('../commands/keep/account.ts')
      await account(action, names, flags)
    })
}

const accountHelp = `

add stores an account with its settings in etl.account; change, disable and enable take such an
account. They are in force where the settings name no account. A secret is never stored, only where
it is: a variable (env:), a file of mode 0600 (file:), or a program without a shell that prints it
(command:, a JSON list), asked when the account begins. A blank value unsets a setting. All but list
take a login that owns the table; rename does so where the account is stored.

rename ends with 4 while a run of the account is under way. Rows keep their keys, and
the stored sign-in moves along; settings outside of the warehouse have to be changed by hand.`

function addForget(program: Command) {
  addCommand(program, 'forget', 'Remove an account whole: its rows, people and stored sign-in.')
    .requiredOption('--account <name>', 'the account to remove')
    .option('--yes', 'remove without asking')
    .addHelpText(
      'after',
      examples('cosell forget --account demo', 'cosell forget --account contoso --yes --json'),
    )
    .addHelpText('after', forgetHelp)
    .action(async (flags: ForgetFlags) => {
      const { forget } = await import('../commands/keep/forget.ts')
      await forget(flags)
    })
}

const forgetHelp = `

It says what it will remove and asks. It takes a login that owns the tables, and ends with 4 while
a run of the account is under way. Readers see the account whole until it is gone.`

function addErase(program: Command) {
  addCommand(
    program,
    'erase',
    'Erase a person, or the people of a referral, here and from what is loaded later.',
  )
    .option('--email <address>', 'the e-mail address of the person')
    .option('--referral <id>', 'the referral whose people and notes are erased')
    .option('--yes', 'erase without asking')
    .addHelpText(
      'after',
      examples(
        'cosell erase --email ada@example.com',
        'cosell erase --referral 6c1d5a3e-0000-4000-8000-000000000001 --yes --json',
      ),
    )
    .addHelpText('after', eraseHelp)
    .action(async (flags: EraseFlags) => {
      const { erasePeople } = await import('../commands/keep/erase.ts')
      await erasePeople(flags)
    })
}

const eraseHelp = `

It says where they are and asks. Figures, roles and numbers of people stay. It ends with 4 while a
run of any account is under way. Keep erasures.json of COSELL_HOME: by it, an older copy of the
warehouse that is restored loses them again.`

function addPurge(program: Command) {
  addCommand(
    program,
    'purge',
    'Delete superseded versions, finished runs and contacts that are older than is kept.',
  )
    .option('--versions <days>', 'days to keep superseded landed versions')
    .option('--runs <days>', 'days to keep finished runs')
    .option('--contacts <days>', 'days to keep contacts and notes after a referral is closed')
    .option('--plan', 'tell how many rows would go, and change nothing')
    .option('--yes', 'purge without asking')
    .addHelpText(
      'after',
      examples(
        'cosell purge --versions 400 --runs 400 --plan',
        'cosell purge --contacts 730',
        'COSELL_KEEP_RUNS_DAYS=400 cosell purge --yes --json',
      ),
    )
    .addHelpText('after', purgeHelp)
    .action(async (flags: PurgeFlags) => {
      const { purgeOrPlan } = await import('../commands/keep/purge.ts')
      await purgeOrPlan(flags)
    })
}

const purgeHelp = `

It says how many rows will go and asks. What neither an option nor COSELL_KEEP_VERSIONS_DAYS,
COSELL_KEEP_RUNS_DAYS or COSELL_KEEP_CONTACTS_DAYS gives days to is kept. Facts and history stay as
they are, after a rebuild too. It ends with 4 while a run of any account is under way.`

function addMigrate(program: Command) {
  addCommand(
    program,
    'migrate',
    'Bring schema, views and rights up to date; run, rebuild and demo do it too.',
  )
    .addOption(
      new Option(
        '--row-level-security <switch>',
        'on: readers see only the accounts that etl.bi_access gives them; stays as set',
      ).choices(['on', 'off']),
    )
    .addHelpText(
      'after',
      examples('cosell migrate', 'cosell migrate --json', 'cosell migrate --row-level-security on'),
    )
    .action(async (flags: MigrateFlags) => {
      const { migrate } = await import('../commands/keep/migrate.ts')
      await migrate(flags)
    })
}

function addWarehouse(program: Command) {
  addCommand(
    program,
    'warehouse',
    'Keep the embedded warehouse up for BI tools and psql until interrupted.',
  )
    .option('--stop', 'stop the embedded warehouse, even if another process started it')
    .addOption(
      new Option('--dump <file>', 'write all that it holds into a file').conflicts([
        'stop',
        'restore',
      ]),
    )
    .addOption(
      new Option('--restore <file>', 'fill an empty one with such a file').conflicts('stop'),
    )
    .addHelpText(
      'after',
      examples(
        'cosell warehouse',
        'cosell warehouse --stop',
        'cosell warehouse --dump cosell.dump',
        'COSELL_HOME=~/new/.cosell cosell warehouse --restore cosell.dump',
      ),
    )
    .addHelpText('after', warehouseHelp)
    .action(async (flags: WarehouseFlags) => {
      const { warehouse } = await import('../commands/keep/warehouse.ts')
      await warehouse(flags)
    })
}

const warehouseHelp = `

A dump holds every row, people among them, as of one moment; only this account may read the file. It
goes into a warehouse of the same version of cosell, whatever the version of PostgreSQL.`

function addCompletion(program: Command) {
  addCommand(
    program,
    'completion',
    'Print a script that completes commands and options in a shell.',
  )
    .addArgument(new Argument('<shell>', 'shell to complete in').choices(completionShells))
    .addHelpText(
      'after',
      examples(
        'cosell completion fish > ~/.config/fish/completions/cosell.fish',
        'source <(cosell completion bash)',
        'source <(cosell completion zsh)',
      ),
    )
    .action((shell: CompletionShell, { json }: JsonFlag) => {
      const script = completionScript(shell, program)
      printAnswer(json, { status: 'ok', shell, script }, () => script.trimEnd())
    })
}
