export function perSecond(count: number, ms: number): string {
  return Math.round((1000 * count) / Math.max(1, ms)).toLocaleString('en-US')
}

/** Prints a figure, the time that it took, and the goal that it has. */
export function say(what: string, figure: string | number, ms?: number, goal = '') {
  const time = ms === undefined ? '' : `${(ms / 1000).toFixed(1)} s`
  const text = typeof figure === 'number' ? figure.toLocaleString('en-US') : figure
  process.stdout.write(
    `${what.padEnd(36)} ${text.padStart(24)} ${time.padStart(10)}  ${goal}`.trimEnd(),
  )
  process.stdout.write('\n')
}
