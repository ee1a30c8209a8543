import { referralShape } from './properties.ts'
import type { ObjectShape, Properties } from './shape.ts'

/**
 * Paths of all properties of a referral that are read, such as `registrations[].contract.value`.
 * Objects are included; `[]` marks a list.
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
