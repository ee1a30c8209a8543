import { type Config, loadConfig } from '../../../config.ts'
import { CosellError } from '../../../errors.ts'
import { type PurgePlan, planPurge, purge, type Retention } from '../../../pipeline/purge/purge.ts'
import { askYesNo, canAsk } from '../../ask.ts'
import { type JsonFlag, log, printAnswer, printNotice, printResult } from '../../output.ts'
import { renderPurged, renderPurgePlan } from '../../text/keep/purge.ts'
import { withRunContext } from '../../with-warehouse.ts'

export type PurgeFlags = JsonFlag & {
  readonly versions?: string
  readonly runs?: string
  readonly contacts?: string
  readonly plan?: true
  readonly yes?: true
}

/** Deletes what is older than its retention once the answer is yes, or tells what that is. */
export function purgeOrPlan({ versions, runs, contacts, plan, yes, json }: PurgeFlags) {
  const given = {
    COSELL_KEEP_VERSIONS_DAYS: versions,
    COSELL_KEEP_RUNS_DAYS: runs,
    COSELL_KEEP_CONTACTS_DAYS: contacts,
  }
  const flags = Object.entries(given).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  )
  const config = loadConfig(Object.fromEntries(flags))
  const retention = retentionOf(config)
  return withRunContext(config, async (context) => {
    if (plan || !yes) {
      const planned = await planPurge(context, retention)
      log.end()
      if (plan) {
        printAnswer(json, planned, () => renderPurgePlan(planned, context.place))
        return
      }
      await confirm(planned, context.place, json)
    }
    const result = await purge(context, retention)
    printResult(json, result, () => renderPurged(result))
  })
}

/** @throws CosellError `purge.no_retention` when everything is kept. */
function retentionOf({ keepVersionsDays, keepRunsDays, keepContactsDays }: Config): Retention {
  const retention = {
    versions: keepVersionsDays ?? null,
    runs: keepRunsDays ?? null,
    contacts: keepContactsDays ?? null,
  }
  if (Object.values(retention).some((days) => days !== null)) return retention
  const text =
    'cosell purge: expected a number of days to keep versions, runs or contacts, got none, and none is ' +
    'set; nothing was purged. Give --versions, --runs or --contacts.'
  throw new CosellError('purge.no_retention', text)
}

/** Shows what would go and asks. @throws CosellError `usage` unless the answer is yes. */
async function confirm(planned: PurgePlan, place: string, json: true | undefined) {
  printNotice(renderPurgePlan(planned, place))
  if (json || !canAsk()) {
    const why = json ? 'with --json nothing is asked' : 'there is no terminal to ask on'
    const text = `cosell purge: expected --yes, since ${why}; nothing was purged. Add --yes to purge.`
    throw new CosellError('purge.not_confirmed', text)
  }
  if (await askYesNo('Purge them?')) return
  throw new CosellError('purge.declined', 'Nothing was purged.')
}
