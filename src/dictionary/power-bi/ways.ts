/** A relationship of the model: many rows of `from` to one row of `to`. */
export interface Way {
  readonly from: string
  readonly fromColumn: string
  readonly to: string
  readonly toColumn: string
}

export type ModelWay = Way & { readonly isActive: boolean }

/**
 * Decides which ways are active, earlier ones first. A way that would lead from a table to another
 * along a second path is inactive, since Power BI refuses a model in which filters could reach a
 * table twice. Of several ways from one column the first is kept.
 */
export function activated(ways: readonly Way[]): ModelWay[] {
  const reached = new Map<string, Set<string>>()
  const fromHere = (table: string) => reached.get(table) ?? new Set([table])
  const kept = new Set<string>()
  return ways.flatMap((way): ModelWay[] => {
    const column = `${way.from}.${way.fromColumn}`
    if (kept.has(column)) return []
    kept.add(column)
    const beyond = fromHere(way.to)
    const before = new Set([
      way.from,
      ...[...reached].filter(([, tables]) => tables.has(way.from)).map(([table]) => table),
    ])
    const isSecond = [...before].some((table) =>
      [...fromHere(table)].some((target) => beyond.has(target)),
    )
    if (!isSecond) {
      for (const table of before) {
        reached.set(table, new Set([...fromHere(table), ...beyond]))
      }
    }
    return [{ ...way, isActive: !isSecond }]
  })
}

/** Returns the tables that filters reach `table` from, itself included, along active ways. */
export function reachableFrom(table: string, ways: readonly ModelWay[]): Set<string> {
  const found = new Set([table])
  for (const one of found) {
    for (const { from, to, isActive } of ways) if (isActive && from === one) found.add(to)
  }
  return found
}
