import { isObject } from './invalid-payload.ts'

/** Property of a payload that the shape of a referral reads policies from: a name of ours. */
export const policiesProperty = 'registrationEligibilityPolicies'

/**
 * Returns the payload with its eligibility policies under `policiesProperty`: the fetched ones, else
 * those of the property that has them, in any letter case. A payload that needs no change is returned
 * as it is.
 */
export function withPolicies(payload: unknown, property: string, fetched?: unknown): unknown {
  if (!isObject(payload)) return payload
  if (fetched === undefined && property === policiesProperty) return payload
  const isNamed = (key: string, name: string) => key.toLowerCase() === name.toLowerCase()
  const entries = Object.entries(payload)
  const own = payload[property] ?? entries.find(([key]) => isNamed(key, property))?.[1]
  const others = entries.filter(
    ([key]) => !isNamed(key, property) && !isNamed(key, policiesProperty),
  )
  return Object.fromEntries([...others, [policiesProperty, fetched ?? own ?? null]])
}
