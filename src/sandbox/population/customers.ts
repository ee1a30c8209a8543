import { companyName, type Person, person } from '../data/names.ts'
import { drawPlace, type Place } from '../data/places.ts'
import { Random, type Rotation } from '../random.ts'
import type { CustomerProfile, Member } from '../referral.ts'

/** A customer; each referral shows it a little differently. */
export interface Customer {
  readonly name: string
  readonly place: Place
  readonly addressLine1: string
  readonly cityLine: readonly [string, string, string]
  readonly size: string
  readonly contacts: readonly Person[]
  readonly duns: string
  readonly moodys: string
  readonly external: string
}

/** The customers of a population: about one for every four deals, a few of them with many deals. */
export class Customers {
  readonly #drawn = new Map<number, Customer>()
  constructor(
    readonly seed: number,
    readonly count: number,
    readonly sizes: Rotation<string>,
  ) {}

  draw(random: Random): Customer {
    const number = Math.floor(this.count * random.unit() ** 1.7)
    const known = this.#drawn.get(number)
    if (known !== undefined) return known
    const customer = inventCustomer(new Random(this.seed, 2, number), this.sizes)
    this.#drawn.set(number, customer)
    return customer
  }
}

function inventCustomer(random: Random, sizes: Rotation<string>): Customer {
  const place = drawPlace(random)
  const street = random.pick(['Mill Lane', 'Station Road', 'Quay Street', 'Park Avenue', 'Ring 3'])
  return {
    name: companyName(random, place),
    place,
    addressLine1: `${random.integer(1, 400)} ${street}`,
    cityLine: random.pick(place.cities),
    size: sizes.draw(random),
    contacts: Array.from({ length: random.integer(1, 3) }, () => person(random)),
    duns: String(random.integer(100_000_000, 999_999_999)),
    moodys: `MD${random.integer(1_000_000, 9_999_999)}`,
    external: `6-${random.hex(8).toUpperCase()}`,
  }
}

/** Returns the profile on one referral, with null, empty and absent parts. */
export function customerProfile(random: Random, customer: Customer): CustomerProfile {
  const [city, state, postalCode] = customer.cityLine
  // The live wire has the state in either of `state` and `region`.
  const stateInRegion = state !== '' && random.chance(0.06)
  const profile: CustomerProfile = {
    name: customer.name,
    size: random.weighted<string | null>([
      [customer.size, 90],
      [null, 6],
      ['', 4],
    ]),
    isMatchingComplete: random.chance(0.8),
    address: {
      addressLine1: customer.addressLine1,
      addressLine2: random.weighted<string | null>([
        ['', 70],
        [null, 20],
        ['Floor 3', 10],
      ]),
      city,
      state: stateInRegion ? null : state,
      postalCode,
      country: customer.place.country,
      region: stateInRegion ? state : null,
    },
    team: random
      .sample(customer.contacts, random.integer(0, 2))
      .map((each) => member(random, each)),
    ids: customerIds(random, customer),
  }
  return profile
}

function customerIds(random: Random, customer: Customer): NonNullable<CustomerProfile['ids']> {
  const ids: { profileType: string; id: string }[] = []
  if (random.chance(0.7)) ids.push({ profileType: 'Duns', id: random.pick(['', customer.duns]) })
  if (random.chance(0.8)) ids.push({ profileType: 'External', id: customer.external })
  if (random.chance(0.4)) ids.push({ profileType: 'Moodys', id: customer.moodys })
  return random.weighted<NonNullable<CustomerProfile['ids']>>([
    [ids, 88],
    [[], 6],
    [{}, 6],
  ])
}

/** Returns one team entry; title and contact preference are null, empty or absent as often as set. */
export function member(random: Random, person: Person, locale = 'en-us'): Member {
  const { title, ...named } = person
  return {
    ...named,
    ...(random.chance(0.1) ? { phoneNumber: null } : {}),
    title: random.pick([title, null]),
    contactPreference: random.weighted<Member['contactPreference'] | null>([
      [{ locale, disableNotifications: false }, 45],
      [{ locale: null, disableNotifications: null }, 40],
      [{ locale, disableNotifications: true }, 5],
      [null, 10],
    ]),
  } as Member
}
