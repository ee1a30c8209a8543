import { type Person, person } from '../../data/names.ts'
import { Random } from '../../random.ts'
import type { Referral } from '../../referral.ts'
import { text } from '../cell/text.ts'
import { customerIdOf } from './parts.ts'

// What Partner Center adds to a download and the API lacks. It is invented from what is known.

/** Returns the customer as an account of Microsoft's; '' for one that Microsoft did not find. */
export function matchedAccount(referral: Referral, prefix: number): string {
  const [, id = ''] = /^\d+-(\w+)$/.exec(customerIdOf(referral, 'External')) ?? []
  return id === '' ? '' : account(referral, 'MicrosoftID', `${prefix}-${id}`)
}

/** Returns the customer as an account of its D-U-N-S number; '' without one. */
export function matchedDuns(referral: Referral): string {
  const id = customerIdOf(referral, 'Duns')
  return id === '' ? '' : account(referral, 'DUNSID', id)
}

function account({ customerProfile }: Referral, kind: string, id: string): string {
  const { addressLine1, city } = customerProfile?.address ?? {}
  const address = `${text(addressLine1)} ${text(city)}`.trim()
  return `${kind}: ${id}, AccountName: ${text(customerProfile?.name).trim()}, AccountAddress: ${address}`
}

/** Returns an invented domain; '' for a name without Latin letters. */
export function websiteOf({ customerProfile }: Referral): string {
  const label = text(customerProfile?.name)
    .replaceAll(/&[\w#]+;/g, ' ')
    .normalize('NFD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
  return label === '' ? '' : `${label}.example.com`
}

/** Returns up to two sellers of Microsoft; the same referral has the same ones in each file. */
export function microsoftTeam({ id }: Referral): Person[] {
  const parts = text(id)
    .split('-')
    .map((part) => Number.parseInt(part, 16))
  const random = new Random(...parts)
  return Array.from({ length: random.integer(0, 2) }, () => person(random))
}
