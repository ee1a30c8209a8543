import type { Command } from 'commander'
import { loadConfig } from '../../../config.ts'
import { readSignIns } from '../../../doctor/sign-in-age.ts'
import { readStatus } from '../../../report/queries/status.ts'
import type { OpenWarehouse } from '../../../warehouse/open.ts'
import { addCommand, examples } from '../../help.ts'
import { type JsonFlag, printAnswer } from '../../output.ts'
import { renderStatus } from '../../text/status.ts'
import { withWarehouse } from '../../with-warehouse.ts'

/** Adds the overview of the accounts. */
export function addStatus(program: Command) {
  addCommand(
    program,
    'status',
    'Show how fresh each account is, its last runs and what needs attention.',
  )
    .addHelpText('after', examples('cosell status', 'cosell status --json'))
    .action(({ json }: JsonFlag) => {
      const config = loadConfig()
      const show = async ({ query }: OpenWarehouse) => {
        const accounts = await readStatus(query, await readSignIns(config, Date.now()))
        printAnswer(json, { status: 'ok', accounts }, (style) => renderStatus(accounts, style))
      }
      return withWarehouse(config, show, { isWriting: false })
    })
}
