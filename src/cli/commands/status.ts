import { Argument, type Command } from 'commander'
import { loadConfig } from '../../config.ts'
import { diagnose, exitKindOf } from '../../doctor/doctor.ts'
import { readSignIns } from '../../doctor/sign-in-age.ts'
import { exitCodes } from '../../errors.ts'
import { login, renderLogin } from '../../extract/login.ts'
import { type RetryRequest, retry } from '../../pipeline/run.ts'
import { listHeld, misused, quarantineHelp, showHeld } from '../../quarantine/list-and-show.ts'
import { readStatus } from '../../report/queries/status.ts'
import { command, examples } from '../help.ts'
import { interruption, type JsonFlag, log, say, tell } from '../output.ts'
import { renderDiagnosis, toJson } from '../text/doctor.ts'
import { renderHeld, renderQuarantine } from '../text/quarantine.ts'
import { renderRun, renderStatus } from '../text/run-summary.ts'
import { inRun, withWarehouse } from '../with-warehouse.ts'

/** What shows how things stand, and what needs a person. */
export function addAttending(program: Command) {
  command(
    program,
    'login',
    'Sign a person in with a code entered in a browser, and keep the sign-in.',
  )
    .option('--account <name>', 'needed when several accounts are configured')
    .addHelpText('after', examples('cosell login', 'cosell login --account contoso'))
    .action(async ({ json, account }: JsonFlag & { account?: string }) => {
      const { signal } = interruption
      const result = await login({ config: loadConfig(), account, log: log.logger, signal, tell })
      say(json, result, () => renderLogin(result))
    })

  command(program, 'doctor', 'Look at settings, sign-in, API and database, and say what to mend.')
    .addHelpText('after', examples('cosell doctor', 'cosell doctor --json'))
    .action(async ({ json }: JsonFlag) => {
      const diagnosis = await diagnose({ config: loadConfig(), log, signal: interruption.signal })
      say(json, toJson(diagnosis), () => renderDiagnosis(diagnosis))
      process.exitCode = exitCodes[exitKindOf(diagnosis)]
    })

  command(
    program,
    'status',
    'Show how fresh each account is, its last runs and what needs attention.',
  )
    .addHelpText('after', examples('cosell status', 'cosell status --json'))
    .action(({ json }: JsonFlag) => {
      const config = loadConfig()
      return withWarehouse(config, async ({ query }) => {
        const accounts = await readStatus(query, await readSignIns(config, Date.now()))
        say(json, { status: 'ok', accounts }, () => renderStatus(accounts))
      })
    })

  command(program, 'quarantine', 'List, show or try again the referrals that could not be read.')
    .addArgument(new Argument('<action>', 'what to do').choices(['list', 'show', 'retry']))
    .argument('[referral-id...]', 'show: one; retry: some, or all that are set aside')
    .option('--account <name>', 'only this account; needed when two have the same referral')
    .addHelpText(
      'after',
      examples(
        'cosell quarantine list',
        'cosell quarantine show 5d3f9a10-0000-4000-8000-000000000001',
        'cosell quarantine retry',
        'cosell quarantine retry 5d3f9a10-0000-4000-8000-000000000001 --account contoso --json',
      ),
    )
    .addHelpText('after', quarantineHelp)
    .action(quarantine)
}

type QuarantineFlags = JsonFlag & { readonly account?: string }

async function quarantine(
  action: string,
  ids: readonly string[],
  { json, account }: QuarantineFlags,
) {
  if (action === 'retry') return retryHeld({ referralIds: ids, account }, json)
  if (action === 'list' && ids.length > 0) throw misused('list takes no referral id.')
  await withWarehouse(loadConfig(), async ({ query }) => {
    if (action === 'show') {
      const entries = await showHeld(query, ids, account)
      say(json, { status: 'ok', entries }, () => entries.map(renderHeld).join('\n\n'))
    } else {
      const entries = await listHeld(query, account)
      say(json, { status: 'ok', entries }, () => renderQuarantine(entries))
    }
  })
}

function retryHeld(request: RetryRequest, json: true | undefined) {
  return inRun(loadConfig(), async (environment) => {
    const summary = await retry(environment, request)
    say(json, summary, () => renderRun(summary))
  })
}
