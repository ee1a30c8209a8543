import { type Command, Option } from 'commander'
import type { ExplainFlags } from '../commands/look/explain.ts'
import type { FindingsFlags } from '../commands/look/findings.ts'
import type { SqlFlags } from '../commands/look/sql.ts'
import { addCommand, examples, parseSeconds, parseWholeNumber } from '../help.ts'

/** Adds the commands that answer questions about what was loaded. */
export function addAskCommands(program: Command) {
  addExplain(program)
  addFindings(program)
  addSql(program)
  addMcp(program)
}

function addExplain(program: Command) {
  addCommand(
    program,
    'explain',
    'Say how each amount of a referral came about, and whether the warehouse differs.',
  )
    .argument('<referral-id>', 'id of the referral, as in mart.referral')
    .option('--account <name>', 'needed when several accounts have the referral')
    .option('--people', 'contacts and notes too')
    .addHelpText(
      'after',
      examples(
        'cosell explain 5d3f9a10-0000-4000-8000-000000000001',
        'cosell explain 5d3f9a10-0000-4000-8000-000000000001 --account contoso --json',
      ),
    )
    .addHelpText('after', explainHelp)
    .action(async (referralId: string, flags: ExplainFlags) => {
      const { explain } = await import('../commands/look/explain.ts')
      await explain(referralId, flags)
    })
}

const explainHelp = `

It recomputes the referral from what was landed with the code of the transform, and compares each
value with the star and the marts. It changes nothing.`

function addFindings(program: Command) {
  addCommand(
    program,
    'findings',
    'List the doubts about what was loaded, by rule: what each means and what to do.',
  )
    .option('--account <name>', 'only this account')
    .option('--rule <name>', 'only this rule, with all its findings')
    .addHelpText(
      'after',
      examples(
        'cosell findings',
        'cosell findings --rule missing_fx_rate',
        'cosell findings --json',
      ),
    )
    .action(async (flags: FindingsFlags) => {
      const { showFindings } = await import('../commands/look/findings.ts')
      await showFindings(flags)
    })
}

/** Rows that a person may look at. */
const defaultRows = 1_000
const defaultSeconds = 60

function addSql(program: Command) {
  addCommand(
    program,
    'sql',
    'Run one statement that reads, as a reader of the marts, and print its rows.',
  )
    .argument(
      '[query]',
      'the statement; if left out, that which is piped in, else a list of the marts',
    )
    .addOption(
      new Option('--format <format>', 'how rows are printed')
        .choices(['table', 'csv'])
        .conflicts('json')
        .default('table'),
    )
    .option('--rows <count>', 'rows at most', parseWholeNumber, defaultRows)
    .option('--timeout <seconds>', 'longest time', parseSeconds, defaultSeconds)
    .addHelpText(
      'after',
      examples(
        'cosell sql',
        "cosell sql 'select * from mart.win_rate'",
        'cosell sql --format csv --rows 1000000 < question.sql > answer.csv',
        "cosell sql --json 'select count(*) from mart.referral'",
      ),
    )
    .addHelpText('after', sqlHelp)
    .action(async (query: string | undefined, flags: SqlFlags) => {
      const { runSql } = await import('../commands/look/sql.ts')
      await runSql(query, flags)
    })
}

const sqlHelp = `

It sees mart and dw, no people, in a read-only transaction. On a PostgreSQL of your own it needs
a login that only reads: COSELL_READER_DATABASE_URL, or COSELL_DATABASE_URL itself.`

function addMcp(program: Command) {
  addCommand(
    program,
    'mcp',
    'Serve the marts to an assistant, by the Model Context Protocol over standard input and output.',
  )
    .addHelpText('after', examples('cosell mcp'))
    .addHelpText('after', mcpHelp)
    .action(async () => {
      const { serveMcp } = await import('../commands/look/mcp.ts')
      await serveMcp()
    })
}

const mcpHelp = `

The assistant starts it: {"mcpServers": {"cosell": {"command": "cosell", "args": ["mcp"]}}}, with the
folder of the settings as its working directory. It lists the marts, runs bounded statements
that read, and explains a referral. It shows no people. Logins as for \`cosell sql\`.`
