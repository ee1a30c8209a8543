/** One check of the doctor, as text needs it. */
export interface CheckFigures {
  readonly check: string
  readonly account?: string
  readonly status: 'ok' | 'warn' | 'fail' | 'skipped'
  readonly detail: string
  readonly remedy?: string
}

export interface DiagnosisFigures {
  readonly settings: Readonly<Record<string, string>>
  readonly checks: readonly CheckFigures[]
}

const marks: Record<CheckFigures['status'], string> = {
  ok: 'ok',
  warn: 'warn',
  fail: 'FAIL',
  skipped: '-',
}
const markWidth = 4

/** The settings in force, a line for each check with what to do below it, and the sum of it all. */
export function renderDiagnosis({ settings, checks }: DiagnosisFigures): string {
  const names = Object.keys(settings)
  const nameWidth = Math.max(0, ...names.map((name) => name.length))
  const checkWidth = Math.max(0, ...checks.map((check) => labelOf(check).length))
  const lines = checks.flatMap((check) => renderCheck(check, checkWidth))
  return [
    'Settings in force',
    ...names.map((name) => `  ${name.padEnd(nameWidth)}  ${settings[name]}`),
    '',
    ...lines,
    '',
    sumUp(checks),
  ].join('\n')
}

/** As `--json` prints it: what a monitor looks at first. */
export function toJson({ settings, checks }: DiagnosisFigures) {
  return { status: worstOf(checks), settings, checks }
}

function renderCheck(check: CheckFigures, width: number): string[] {
  const mark = marks[check.status].padEnd(markWidth)
  const line = `${mark}  ${labelOf(check).padEnd(width)}  ${oneLine(check.detail)}`
  if (check.remedy === undefined) return [line]
  return [line, `${' '.repeat(markWidth + 2)}${oneLine(check.remedy)}`]
}

/** With the account it is about, where there is one. */
function labelOf({ check, account }: CheckFigures): string {
  return account === undefined ? check : `${account}: ${check}`
}

/** A server's message may have lines of its own. */
function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ')
}

function worstOf(checks: readonly CheckFigures[]): 'failed' | 'warned' | 'ok' {
  if (checks.some((check) => check.status === 'fail')) return 'failed'
  return checks.some((check) => check.status === 'warn') ? 'warned' : 'ok'
}

function sumUp(checks: readonly CheckFigures[]): string {
  const count = (status: CheckFigures['status']) =>
    checks.filter((check) => check.status === status).length
  const [failed, warned, skipped] = [count('fail'), count('warn'), count('skipped')]
  if (failed + warned + skipped === 0) return 'All is well.'
  const parts = [
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(warned === 0 ? [] : [`${warned} ${warned === 1 ? 'warning' : 'warnings'}`]),
    ...(skipped === 0 ? [] : [`${skipped} not looked at`]),
  ]
  return `${checks.length} checks: ${parts.join(', ')}.`
}
