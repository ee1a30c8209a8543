import { createInterface } from 'node:readline/promises'
import { abortController, printNotice } from './output.ts'

/** Whether a person can be asked: input and messages are a terminal. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true
}

/**
 * Asks a question on the terminal; true for y or yes in any case, false for anything else and for
 * the end of the input.
 *
 * @throws the reason of the signal, when one ends the command meanwhile.
 */
export async function askYesNo(question: string): Promise<boolean> {
  const { signal } = abortController
  // The terminal itself edits the line, so that Ctrl-C stays a signal.
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false })
  let isAnswered = false
  const ended = new Promise<string>((resolve) =>
    lines.once('close', () => {
      // Without Enter, what is printed next would follow the question.
      if (!isAnswered) printNotice('')
      resolve('')
    }),
  )
  try {
    const answered = lines.question(`${question} [y/N] `, { signal }).then((answer) => {
      isAnswered = true
      return answer
    })
    const answer = await Promise.race([answered, ended])
    return /^\s*y(es)?\s*$/i.test(answer)
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    lines.close()
  }
}
