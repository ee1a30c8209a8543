import pg from 'pg'
import { bareText } from './sent-statements.ts'

/** Node of a plan as `explain (format json)` gives it. */
export interface PlanNode {
  readonly 'Node Type': string
  readonly Plans?: readonly PlanNode[]
  readonly [property: string]: unknown
}

/** A statement with the plan that the server had for it when it was sent. */
export interface PlannedStatement {
  readonly text: string
  readonly plan: PlanNode
  /** Milliseconds from sending it to its result. */
  ms: number
}

export interface PlanOptions {
  /** Suppresses every ANALYZE of the program. */
  readonly isAnalyzeIgnored?: boolean
  /** Sequential scans are the last choice, so that no small table hides that an index is missing. */
  readonly isIndexPreferred?: boolean
}

/** A text of several statements cannot be explained. */
const planned = /^(?:select|insert|update|delete|with|merge)\b[^;]*$/
const analyzing = /^\s*analyze\b/i

interface Statement {
  readonly text: string
  readonly values?: readonly unknown[]
}

/**
 * Runs `use` and returns the plan of every statement that pg sent meanwhile. The
 * server is asked for it on the same connection right before, with the same parameters, so it is
 * planned with the same settings, statistics and table sizes.
 */
export async function recordPlans(
  use: () => Promise<unknown>,
  { isAnalyzeIgnored = false, isIndexPreferred = false }: PlanOptions = {},
): Promise<PlannedStatement[]> {
  const recorded: PlannedStatement[] = []
  const met = new WeakSet<pg.Client>()
  const { prototype } = pg.Client
  const original = prototype.query
  const send = (client: pg.Client, given: readonly unknown[]) =>
    Reflect.apply(original, client, given) as unknown
  function query(this: pg.Client, ...given: unknown[]): unknown {
    const statement = statementOf(given)
    if (isIndexPreferred && !met.has(this)) send(this, ['set enable_seqscan = off'])
    met.add(this)
    if (isAnalyzeIgnored && analyzing.test(statement.text)) return send(this, ['select 1'])
    if (!planned.test(bareText(statement.text))) return send(this, given)
    const explained = send(this, [
      { text: `explain (format json, verbose) ${statement.text}`, values: statement.values },
    ]) as Promise<pg.QueryResult<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>>
    const entry = explained.then(
      ({ rows: [row] }) => {
        const plan = row?.['QUERY PLAN'][0].Plan
        if (plan === undefined) return undefined
        const one = { text: statement.text, plan, ms: 0, since: performance.now() }
        recorded.push(one)
        return one
      },
      // The statement itself fails too, and its caller gets that error.
      () => undefined,
    )
    const answer = send(this, given)
    if (answer instanceof Promise) {
      const stop = async () => {
        const one = await entry
        if (one !== undefined) one.ms = performance.now() - one.since
      }
      answer.then(stop, stop)
    }
    return answer
  }
  prototype.query = query as typeof original
  try {
    await use()
    return recorded
  } finally {
    prototype.query = original
  }
}

function statementOf([first, second]: readonly unknown[]): Statement {
  if (typeof first === 'string') return { text: first, values: (second ?? []) as unknown[] }
  return first as Statement
}

/** Columns that many rows share: an index condition on these alone is no probe. */
const sharedColumns = new Set([
  ...['partner_account_key', 'resource_type', 'rule_code', 'run_status', 'principal', 'item_kind'],
  ...['tag_group', 'tag_type', 'enum_name', 'parent_value', 'is_current', 'is_missing'],
])

/** Reading these takes no longer when the warehouse grows. A hash table is built once. */
const constantNodes = new Set(['Result', 'Function Scan', 'Values Scan', 'ProjectSet', 'Hash'])
/** Their rows are those of their inputs. */
const listNodes = new Set(['Append', 'Hash', 'Subquery Scan'])
const constantTables = new Set([
  ...['lease', 'setting', 'dim_partner_account', 'account_source', 'dim_currency'],
  ...['dim_status', 'enum_value'],
])

/**
 * Parts of a plan whose work grows with the product of two inputs: the inner side of a nested loop,
 * or a subquery evaluated for each row, that is neither a probe of a key nor of constant size; and a
 * merge or hash join by shared columns alone, which leaves the key to a filter or to a later join.
 */
export function unboundedLoops(plan: PlanNode): string[] {
  const found: string[] = []
  visit(plan, (node) => {
    const [outer, inner] = childrenOf(node, ['Outer', 'Inner'])
    if (node['Node Type'] === 'Nested Loop' && outer !== undefined && inner !== undefined) {
      const isBounded = [outer, inner].some((side) => hasFewRows(side) || isConstant(side))
      if (!isBounded && !isProbe(inner)) {
        found.push(`Nested Loop over ${describe(outer)} and ${describe(inner)}`)
      }
    }
    const joined = node['Merge Cond'] ?? node['Hash Cond']
    if (joined !== undefined && outer !== undefined && inner !== undefined) {
      const isBounded = [outer, inner].some((side) => hasFewRows(side) || isConstant(side))
      const compared = String(joined).match(/(?<=\.)[a-z_]+/g) ?? []
      if (!isBounded && compared.every((column) => sharedColumns.has(column))) {
        found.push(`${node['Node Type']} over ${describe(outer)} and ${describe(inner)}`)
      }
    }
    const evaluated = JSON.stringify({ ...node, Plans: undefined })
    for (const subplan of isConstant(node) ? [] : childrenOf(node, ['SubPlan'])) {
      const name = String(subplan['Subplan Name'])
      const isHashed = evaluated.includes(`hashed ${name}`)
      if (!isHashed && !isProbe(subplan)) found.push(`${name} over ${describe(subplan)}`)
    }
  })
  return found
}

function visit(node: PlanNode, use: (node: PlanNode) => void) {
  use(node)
  for (const child of node.Plans ?? []) visit(child, use)
}

function childrenOf(node: PlanNode, relationships: readonly string[]): PlanNode[] {
  return (node.Plans ?? []).filter((child) =>
    relationships.includes(String(child['Parent Relationship'])),
  )
}

/** True when all rows come from constant tables, so a subquery is evaluated for few of them. */
function isConstant(node: PlanNode): boolean {
  const inputs = childrenOf(node, ['Outer', 'Inner', 'Subquery', 'Member'])
  if (inputs.length === 0) return constantTables.has(String(node['Relation Name']))
  return inputs.every(isConstant)
}

/** An aggregate without groups, rows that are given by the statement, or a list of such. */
function hasFewRows(node: PlanNode): boolean {
  const inputs = node.Plans ?? []
  if (node['Node Type'] === 'Result') return inputs.length === 0
  if (listNodes.has(node['Node Type'])) return inputs.length > 0 && inputs.every(hasFewRows)
  if (node['Node Type'] === 'Aggregate') return node['Group Key'] === undefined
  return false
}

/** True when a condition compares a column that few rows share. */
function hasKey(condition: unknown): boolean {
  const columns = String(condition ?? '').match(/\b[a-z_]+(?=(?:\)::\w+)? = )/g) ?? []
  return columns.some((column) => !sharedColumns.has(column))
}

/** True when each scan below is bounded: an index with a key of its own, a function, a file place. */
function isProbe(node: PlanNode): boolean {
  const type = node['Node Type']
  if (constantTables.has(String(node['Relation Name']))) return true
  if (/^Index (Only )?Scan|^Bitmap Index Scan/.test(type)) return hasKey(node['Index Cond'])
  if (type === 'Tid Scan' || type === 'Hash') return true
  const apart = new Set<unknown>(['InitPlan', 'SubPlan'])
  const inputs = (node.Plans ?? []).filter((child) => !apart.has(child['Parent Relationship']))
  if (inputs.length === 0) return constantNodes.has(type)
  return inputs.every(isProbe)
}

function describe(node: PlanNode): string {
  const name = node['Relation Name'] ?? node['CTE Name'] ?? node['Index Name'] ?? ''
  const below = (node.Plans ?? []).map(describe).join(', ')
  return `${node['Node Type']} ${name}${below === '' ? '' : ` (${below})`}`.trim()
}
