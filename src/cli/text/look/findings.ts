import type { ListedFinding, RuleFindings } from '../../../explain/list-findings.ts'
import { plain, type Style, textColumns, wrapWords } from '../../../terminal/terminal-text.ts'
import { formatCount, inLines } from '../grid.ts'

/** Renders open findings by rule: what the rule means, what to do, and the first of them. */
export function renderFindings(rules: readonly RuleFindings[], style: Style = plain): string {
  if (rules.length === 0) return 'There is no open finding.'
  return inLines([...rules])
    .map((rule) => renderRule(rule, style))
    .join('\n\n')
}

function renderRule(rule: RuleFindings, style: Style): string {
  const { rule_code, severity, findings, referrals, shown, meaning, remedy } = rule
  const counts = [
    `${formatCount(findings)} ${findings === 1 ? 'finding' : 'findings'}`,
    ...(referrals === 0
      ? []
      : [`${formatCount(referrals)} ${referrals === 1 ? 'referral' : 'referrals'}`]),
  ]
  const left = findings - shown.length
  const title = `${rule_code} (${severity}): ${counts.join(', ')}`
  const more = `and ${formatCount(left)} more: \`cosell findings --rule ${rule_code}\` lists them`
  return [
    style(severity === 'warn' ? 'warning' : 'heading', title),
    wrapWords(`  ${meaning} ${remedy}`, textColumns, 2),
    ...shown.map((finding) => wrapWords(`    ${describe(finding)}`, textColumns, 6)),
    ...(left === 0 ? [] : [wrapWords(`    ${more}`, textColumns, 6)]),
  ].join('\n')
}

function describe({ account, referral_id, item_ref, detail, observed_value }: ListedFinding) {
  return [
    referral_id === '' ? `account ${account}` : referral_id,
    ...(item_ref === '' ? [] : [item_ref]),
    ...(observed_value === null ? [] : [observed_value]),
    ...(detail === null || detail === '' ? [] : [`(${detail})`]),
  ].join(' ')
}
