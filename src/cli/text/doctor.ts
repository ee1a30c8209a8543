import type { AccountCheckResult, Diagnosis } from '../../doctor/doctor.ts'

const marks: Record<AccountCheckResult['status'], string> = {
  ok: 'ok',
  warn: 'warn',
  fail: 'FAIL',
  skipped: '-',
}
const markWidth = 4

/** Renders the settings in force, each check with its remedy below it, and a summary line. */
export function renderDiagnosis({ settings, checks }: Diagnosis): string {
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
    summaryOf(checks),
  ].join('\n')
}

/** Returns the diagnosis for `--json`, with its overall status first. */
export function diagnosisJson({ settings, checks }: Diagnosis) {
  return { status: worstOf(checks), settings, checks }
}

function renderCheck(check: AccountCheckResult, width: number): string[] {
  const mark = marks[check.status].padEnd(markWidth)
  const line = `${mark}  ${labelOf(check).padEnd(width)}  ${oneLine(check.detail)}`
  if (check.remedy === undefined) return [line]
  return [line, `${' '.repeat(markWidth + 2)}${oneLine(check.remedy)}`]
}

/** Name of a check, with the account of an account check. */
function labelOf({ check, account }: AccountCheckResult): string {
  return account === undefined ? check : `${account}: ${check}`
}

/** Joins the lines of a server's message. */
function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ')
}

function worstOf(checks: readonly AccountCheckResult[]): 'failed' | 'warned' | 'ok' {
  if (checks.some((check) => check.status === 'fail')) return 'failed'
  return checks.some((check) => check.status === 'warn') ? 'warned' : 'ok'
}

function summaryOf(checks: readonly AccountCheckResult[]): string {
  const count = (status: AccountCheckResult['status']) =>
    checks.filter((check) => check.status === status).length
  const [failed, warned, skipped] = [count('fail'), count('warn'), count('skipped')]
  if (failed + warned + skipped === 0) return 'All checks passed.'
  const parts = [
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(warned === 0 ? [] : [`${warned} ${warned === 1 ? 'warning' : 'warnings'}`]),
    ...(skipped === 0 ? [] : [`${skipped} skipped`]),
  ]
  return `${checks.length} checks: ${parts.join(', ')}.`
}
