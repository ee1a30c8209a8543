import type { Registration } from '../../referral.ts'
import { dayOfInstant, pickedDay } from '../cell/days.ts'
import { type Column, column } from './column.ts'
import { contractOf, historyOf } from './parts.ts'

/** Paths of the properties of a registration. */
export const registration = 'registrations[]'
export const contract = `${registration}.contract`
export const line = `${registration}.solutionDetails[]`
const history = `${registration}.statusHistory`
export const marketplace = `${line}.marketplaceTransactionDetails`

/** Column with a day of the contract, as a person picked it. */
export function contractDay(
  name: string,
  property: 'signDateTime' | 'startDateTime' | 'endDateTime',
): Column {
  return column(
    name,
    { [`${contract}.${property}`]: 'day' },
    ({ referral }) => pickedDay(contractOf(referral)[property]),
    'day',
  )
}

/** Column with the day of a stage of the review. */
export function historyDay(
  name: string,
  property: keyof NonNullable<Registration['statusHistory']>,
): Column {
  return column(
    name,
    { [`${history}.${property}`]: 'day' },
    ({ referral }) => dayOfInstant(historyOf(referral)[property]),
    'day',
  )
}
