import { describe, expect, test } from 'vitest'
import { type Stage, startStopwatch } from '../../src/pipeline/run-summary.ts'

describe('startStopwatch', () => {
  test.each<{ first: Stage; laps: readonly Stage[]; cut: readonly Stage[]; why: string }>([
    { first: 'extract_ms', laps: [], cut: ['extract_ms'], why: 'the first stage' },
    { first: 'transform_ms', laps: [], cut: ['transform_ms'], why: 'the first one of a rebuild' },
    { first: 'extract_ms', laps: ['extract_ms'], cut: ['transform_ms'], why: 'the second stage' },
    {
      first: 'extract_ms',
      laps: ['extract_ms', 'transform_ms'],
      cut: ['publish_ms'],
      why: 'the last stage',
    },
    {
      first: 'transform_ms',
      // A publish that is tried again transforms again.
      laps: ['transform_ms', 'transform_ms'],
      cut: ['publish_ms'],
      why: 'the last stage of a second try',
    },
    {
      first: 'transform_ms',
      laps: ['transform_ms', 'publish_ms'],
      cut: [],
      why: 'no stage, since all came to their end',
    },
  ])('a run that is cut ends $why', ({ first, laps, cut }) => {
    const ended: [Stage, boolean][] = []
    const stopwatch = startStopwatch(first, (stage, _, isCut) => ended.push([stage, isCut]))
    for (const stage of laps) stopwatch.lap(stage)
    stopwatch.cut()
    stopwatch.cut()
    expect(ended.filter(([, isCut]) => !isCut).map(([stage]) => stage)).toEqual(laps)
    expect(ended.filter(([, isCut]) => isCut).map(([stage]) => stage)).toEqual(cut)
  })
})
