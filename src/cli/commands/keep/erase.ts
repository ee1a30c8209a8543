import { loadConfig } from '../../../config.ts'
import { CosellError } from '../../../errors.ts'
import {
  type Erasable,
  type EraseRequest,
  erase,
  findErasable,
} from '../../../pipeline/erase/erase.ts'
import { askYesNo, canAsk } from '../../ask.ts'
import { type JsonFlag, log, printNotice, printResult } from '../../output.ts'
import { renderErasable, renderErased } from '../../text/keep/erase.ts'
import { withRunContext } from '../../with-warehouse.ts'

export type EraseFlags = JsonFlag & {
  readonly email?: string
  readonly referral?: string
  readonly yes?: true
}

/** Erases a person, or the people of a referral, once the answer is yes. */
export function erasePeople({ email, referral, yes, json }: EraseFlags) {
  const request = requestOf(email, referral)
  return withRunContext(loadConfig(), async (context) => {
    const found = await findErasable(context, request)
    if (!yes) await confirm(found, context.place, json)
    const result = await erase(context, found)
    printResult(json, result, () => renderErased(result))
  })
}

function requestOf(email: string | undefined, referral: string | undefined): EraseRequest {
  if (email !== undefined && referral === undefined) return { email }
  if (referral !== undefined && email === undefined) return { referral }
  const got = email === undefined ? 'neither' : 'both'
  const text = `cosell erase: expected --email or --referral, got ${got}. Give one of them.`
  throw new CosellError('erase.which', text)
}

/** Shows what would be erased and asks. @throws CosellError `usage` unless the answer is yes. */
async function confirm(found: Erasable, place: string, json: true | undefined) {
  log.end()
  printNotice(renderErasable(found, place))
  if (json || !canAsk()) {
    const why = json ? 'with --json nothing is asked' : 'there is no terminal to ask on'
    const text = `cosell erase: expected --yes, since ${why}; nothing was erased. Add --yes to erase.`
    throw new CosellError('erase.not_confirmed', text)
  }
  if (await askYesNo('Erase them?')) return
  throw new CosellError('erase.declined', 'Nothing was erased.')
}
