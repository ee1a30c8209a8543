import { describe, expect, test } from 'vitest'
import { createLog } from '../src/log.ts'

/** A target that loses what comes while `isFull` says so. */
function targetOf(isTerminal: boolean) {
  const written: string[] = []
  const target = {
    isTerminal,
    isFull: false,
    write(text: string, onLost?: () => void) {
      if (target.isFull) onLost?.()
      else written.push(text)
    },
  }
  return { target, written, log: createLog(target) }
}

const eventsOf = (written: readonly string[]) =>
  written
    .join('')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

describe('a log that cannot be written for a while', () => {
  test('the first line after a gap comes with the number of lines that are missing before it', () => {
    const { target, written, log } = targetOf(false)
    log.logger.info('first')
    target.isFull = true
    for (const text of ['second', 'third', 'fourth']) log.logger.info(text)
    target.isFull = false
    log.logger.info('fifth')
    log.logger.info('sixth')
    expect(eventsOf(written).map(({ msg, lost_lines }) => lost_lines ?? msg)).toEqual([
      'first',
      3,
      'fifth',
      'sixth',
    ])
    expect(log.lostCount()).toBe(3)
  })

  test('a gap at the end is reported by the end of the log, once it can be written', () => {
    const { target, written, log } = targetOf(false)
    target.isFull = true
    log.logger.info('lost')
    log.end()
    expect(written).toEqual([])
    target.isFull = false
    log.end()
    log.end()
    expect(eventsOf(written)).toMatchObject([{ level: 40, lost_lines: 1 }])
    expect(log.lostCount()).toBe(1)
  })

  test('a loss that is known only later counts every line once', () => {
    const pending: (() => void)[] = []
    const written: string[] = []
    let isFailing = true
    const log = createLog({
      isTerminal: false,
      write: (text: string, onLost: () => void = () => undefined) => {
        if (isFailing) pending.push(onLost)
        else written.push(text)
      },
    })
    for (const text of ['one', 'two', 'three']) log.logger.info(text)
    for (const fail of pending.splice(0)) fail()
    // Its line and the note of the gap are lost together.
    log.logger.info('four')
    for (const fail of pending.splice(0)) fail()
    isFailing = false
    log.logger.info('five')
    expect(eventsOf(written)).toMatchObject([{ lost_lines: 4 }, { msg: 'five' }])
    expect(log.lostCount()).toBe(4)
  })

  test('a terminal gets the number of missing lines as readable text, without the progress', () => {
    const { target, written, log } = targetOf(true)
    target.isFull = true
    log.progress({ phase: 'reading', done: 1, total: 2, unit: 'pages' })
    log.logger.info('lost')
    target.isFull = false
    log.end()
    expect(written.at(-1)?.replace(/\n +/g, ' ')).toMatch(
      /warning lines are missing here: the log could not be written \(lost lines 1\)\n$/,
    )
    expect(log.lostCount()).toBe(1)
  })
})
