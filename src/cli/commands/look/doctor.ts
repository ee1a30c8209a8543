import type { Command } from 'commander'
import { loadConfig } from '../../../config.ts'
import { diagnose, exitKindOf } from '../../../doctor/doctor.ts'
import { exitCodes } from '../../../exit-codes.ts'
import { addCommand, examples } from '../../help.ts'
import { abortController, type JsonFlag, log, printAnswer } from '../../output.ts'
import { diagnosisJson, renderDiagnosis } from '../../text/doctor.ts'

/** Adds the preflight checks. */
export function addDoctor(program: Command) {
  addCommand(
    program,
    'doctor',
    'Check settings, sign-in, API and database, and say how to fix what is wrong.',
  )
    .addHelpText('after', examples('cosell doctor', 'cosell doctor --json'))
    .action(async ({ json }: JsonFlag) => {
      const { signal } = abortController
      const diagnosis = await diagnose({ config: loadConfig(), log, signal })
      printAnswer(json, diagnosisJson(diagnosis), (style) => renderDiagnosis(diagnosis, style))
      process.exitCode = exitCodes[exitKindOf(diagnosis)].code
    })
}
