import type { AccountCheckResult, Diagnosis } from '../../doctor/doctor.ts'
import {
  type Emphasis,
  plain,
  type Style,
  textColumns,
  wrapWords,
} from '../../terminal/terminal-text.ts'

const marks: Record<AccountCheckResult['status'], string> = {
  ok: 'ok',
  warn: 'warn',
  fail: 'FAIL',
  skipped: '-',
}
const markWidth = 4
const emphases: Partial<Record<AccountCheckResult['status'], Emphasis>> = {
  warn: 'warning',
  fail: 'error',
}

/** Renders the settings in force, each check with its remedy below it, and a summary line. */
export function renderDiagnosis({ settings, checks }: Diagnosis, style: Style = plain): string {
  const names = Object.keys(settings)
  const nameWidth = Math.max(0, ...names.map((name) => name.length))
  const checkWidth = Math.max(0, ...checks.map((check) => labelOf(check).length))
  const lines = checks.flatMap((check) => renderCheck(check, checkWidth, style))
  return [
    style('heading', 'Settings in force'),
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

function renderCheck(check: AccountCheckResult, width: number, style: Style): string[] {
  const mark = marks[check.status]
  const emphasis = emphases[check.status]
  const indent = markWidth + 2
  const detail = `${mark.padEnd(indent)}${labelOf(check).padEnd(width)}  ${oneLine(check.detail)}`
  const shown = emphasis === undefined ? mark : style(emphasis, mark)
  const line = shown + wrapWords(detail, textColumns, indent + width + 2).slice(mark.length)
  if (check.remedy === undefined) return [line]
  const remedy = `${' '.repeat(indent)}${oneLine(check.remedy)}`
  return [line, wrapWords(remedy, textColumns, indent)]
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
