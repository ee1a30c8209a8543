import { textOf } from './timestamps.ts'

/** Returns the OData expression for every referral with this status of its registration. */
export function filterByStatus(status: string): string {
  return `registrationStatus eq '${status.replaceAll("'", "''")}'`
}

/** Returns `registrationStatus` as it is; empty where a referral has none. */
export function statusOf(referral: unknown): string {
  return textOf(referral, 'registrationStatus')
}

/** Whether a referral has the status, in any letter case. */
export function hasStatus(referral: unknown, status: string): boolean {
  return statusOf(referral).toLowerCase() === status.toLowerCase()
}
