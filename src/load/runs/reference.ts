import type { Kysely } from '../../warehouse/connection/database.ts'
import type { Database } from '../../warehouse/tables.generated.ts'
import { parseSettings, type Settings } from './settings.ts'

/** Reference data that the rules of the transform use. */
export interface Reference {
  /** Decimals of each currency. */
  readonly minorUnits: ReadonlyMap<string, number>
  /** Documented values by enum and lower-case value, in documented spelling. */
  readonly enums: ReadonlyMap<string, ReadonlyMap<string, string>>
  /** Allowed next statuses by status. */
  readonly transitions: ReadonlyMap<string, ReadonlySet<string>>
  /** Allowed substatuses by status. */
  readonly substatuses: ReadonlyMap<string, ReadonlySet<string>>
  /** Solution areas by play. */
  readonly plays: ReadonlyMap<string, readonly string[]>
  readonly settings: Settings
  /** When people were erased, ISO, by keyed hash. */
  readonly erased: ReadonlyMap<string, string>
  /** Those of them who may still be in what has landed. */
  readonly erasedDue: ReadonlyMap<string, string>
  /** Key of the payload and contact hashes; never leaves this process. */
  readonly secret: string
}

export async function readReference(query: Kysely<Database>): Promise<Reference> {
  const [currencies, values, settings, erased, secret] = await Promise.all([
    query.selectFrom('dw.dim_currency').select(['currency_code', 'minor_unit']).execute(),
    query
      .selectFrom('etl.enum_value')
      .select(['enum_name', 'parent_value', 'enum_value'])
      .where('is_documented', '=', true)
      .orderBy('sort_order')
      .execute(),
    query.selectFrom('etl.setting').select(['setting_name', 'setting_value']).execute(),
    query
      .selectFrom('pii.erasure')
      .select(['contact_hash', 'requested_at', 'last_applied_at'])
      .execute(),
    query
      .selectFrom('pii.secret')
      .select('secret_value')
      .where('secret_name', '=', 'install')
      .executeTakeFirstOrThrow(),
  ])
  const enums = new Map<string, Map<string, string>>()
  const transitions = new Map<string, Set<string>>()
  const substatuses = new Map<string, Set<string>>()
  const plays = new Map<string, string[]>()
  for (const { enum_name, parent_value, enum_value } of values) {
    const members = enums.get(enum_name) ?? new Map<string, string>()
    enums.set(enum_name, members.set(enum_value.toLowerCase(), enum_value))
    if (enum_name === 'ReferralStatusTransition') addTo(transitions, parent_value, enum_value)
    if (enum_name === 'ReferralSubstatus' && parent_value !== '') {
      addTo(substatuses, parent_value, enum_value)
    }
    if (enum_name === 'SolutionPlay') {
      plays.set(enum_value, [...(plays.get(enum_value) ?? []), parent_value])
    }
  }
  return {
    minorUnits: new Map(currencies.map((row) => [row.currency_code, row.minor_unit])),
    enums,
    transitions,
    substatuses,
    plays,
    settings: parseSettings(new Map(settings.map((row) => [row.setting_name, row.setting_value]))),
    erased: timesOf(erased),
    erasedDue: timesOf(erased.filter((row) => row.last_applied_at === null)),
    secret: secret.secret_value,
  }
}

function timesOf(rows: readonly { contact_hash: string; requested_at: string }[]) {
  return new Map(rows.map((row) => [row.contact_hash, new Date(row.requested_at).toISOString()]))
}

function addTo(sets: Map<string, Set<string>>, key: string, member: string) {
  sets.set(key, (sets.get(key) ?? new Set()).add(member))
}
