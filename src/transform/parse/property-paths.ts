import { referralShape } from './properties.ts'
import type { ObjectShape, Properties } from './shape.ts'

/**
 * Every property of a referral that is read, as `registrations[].contract.value`, those that hold
 * others included. Lists are marked by `[]`.
 */
export function propertyPaths(): string[] {
  return pathsOf(referralShape, '')
}

function pathsOf({ properties }: ObjectShape<Properties>, prefix: string): string[] {
  return Object.entries(properties).flatMap(([name, property]) => {
    const path = `${prefix}${name}`
    if (!('of' in property)) return [path]
    const item = property.kind === 'object' ? path : `${path}[]`
    return [item, ...pathsOf(property.of, `${item}.`)]
  })
}
