import { loadConfig } from '../../../config.ts'
import { diagnose, exitKindOf } from '../../../doctor/doctor.ts'
import { exitCodes } from '../../../exit-codes.ts'
import { abortController, type JsonFlag, log, printAnswer } from '../../output.ts'
import { diagnosisJson, renderDiagnosis } from '../../text/doctor.ts'

/** Prints what the preflight checks found, and sets the exit code that follows from it. */
export async function showDiagnosis({ json }: JsonFlag) {
  const { signal } = abortController
  const diagnosis = await diagnose({ config: loadConfig(), log, signal })
  printAnswer(json, diagnosisJson(diagnosis), (style) => renderDiagnosis(diagnosis, style))
  process.exitCode = exitCodes[exitKindOf(diagnosis)].code
}
