import type { Version } from '../context.ts'
import { equalWeights } from '../contract/allocate.ts'
import { canonicalEnumValue, type EnumName } from '../enum-values.ts'
import type { ReadReferral } from '../parse/properties.ts'
import { inKeyOrder, notProvided, type Staged } from '../staged-rows.ts'

// Fills dw.dim_tag and dw.bridge_referral_tag.

type TagGroup = 'Industry' | 'Product' | 'Service' | 'Attribute' | 'Target'

/** The distinct tags of one group and type, in order. */
interface Tags {
  group: TagGroup
  type: string
  ids: string[]
}

/** Classification of the deal by its attributes, one value each. */
export interface Classification {
  marketplaceIntent: string
  solutionArea: string
  solutionPlay: string
  partnerRole: string
}

export interface ReferralTags {
  tags: readonly Tags[]
  classification: Classification
}

const several = '(Multiple)'

/** Attribute types whose values are documented, by lower-case type. */
const documentedAttributes: ReadonlyMap<string, EnumName> = new Map(
  (
    [
      'CustomerMarketplaceIntent',
      'SolutionArea',
      'SolutionPlay',
      'PartnerRole',
    ] satisfies EnumName[]
  ).map((type) => [type.toLowerCase(), type]),
)

/** Every tag of a referral, and the classification that follows from them. */
export function referralTags(version: Version): ReferralTags {
  const { referral } = version
  const requirements = referral.details?.requirements ?? null
  const tags: Tags[] = []
  if (requirements !== null) {
    addListed(tags, version, 'Industry', 'Industries', requirements.industries)
    addListed(tags, version, 'Product', 'Products', requirements.products)
    addListed(tags, version, 'Service', 'Services', requirements.services)
    for (const { type, id } of requirements.additionalRequirements?.attributes ?? []) {
      if (id === null) continue
      const documented = documentedAttributes.get(type?.toLowerCase() ?? '')
      if (documented === undefined) addTag(tags, 'Attribute', type ?? notProvided, id)
      else addTag(tags, 'Attribute', documented, word(version, documented, id))
    }
  }
  for (const { type, id } of referral.target) {
    if (id === null) continue
    const path = 'target[].type'
    const { context, findings } = version
    addTag(
      tags,
      'Target',
      canonicalEnumValue(context.enums, findings, 'TargetType', type, path),
      id,
    )
  }
  const classification = classify(version, tags)
  for (const { ids } of tags) ids.sort()
  return { tags, classification }
}

function addListed(
  tags: Tags[],
  { context, findings }: Version,
  group: TagGroup,
  enumName: EnumName,
  list: readonly { id: string | null }[],
): void {
  for (const { id } of list) {
    if (id === null) continue
    const path = `details.requirements.${enumName.toLowerCase()}[]`
    addTag(tags, group, group, canonicalEnumValue(context.enums, findings, enumName, id, path))
  }
}

function addTag(tags: Tags[], group: TagGroup, type: string, id: string): void {
  const known = idsOf(tags, group, type)
  if (known === null) tags.push({ group, type, ids: [id] })
  else if (!known.includes(id)) known.push(id)
}

function idsOf(tags: readonly Tags[], group: TagGroup, type: string): string[] | null {
  for (const one of tags) if (one.group === group && one.type === type) return one.ids
  return null
}

function word({ context, findings }: Version, enumName: EnumName, value: string): string {
  const itemRef = enumName.charAt(0).toLowerCase() + enumName.slice(1)
  return canonicalEnumValue(context.enums, findings, enumName, value, itemRef)
}

function classify(version: Version, tags: Tags[]): Classification {
  const plays = resolve(version, tags, 'SolutionPlay', 'solutionPlay')
  let areas = resolve(version, tags, 'SolutionArea', 'solutionArea')
  const roles = resolve(version, tags, 'PartnerRole', 'partnerRole')
  if (areas.length === 0) areas = areasOf(version, plays)
  else checkPairs(version, areas, plays)
  for (const area of areas) addTag(tags, 'Attribute', 'SolutionArea', area)
  for (const play of plays) addTag(tags, 'Attribute', 'SolutionPlay', play)
  for (const role of roles) addTag(tags, 'Attribute', 'PartnerRole', role)
  return {
    marketplaceIntent: oneOf(idsOf(tags, 'Attribute', 'CustomerMarketplaceIntent') ?? []),
    solutionArea: oneOf(areas),
    solutionPlay: oneOf(plays),
    partnerRole: oneOf(roles),
  }
}

/**
 * The value lists of area, play and role are documented, the properties that carry them are not: an
 * attribute of that type takes precedence, then a property of that name, then a requested solution
 * assessment of that name.
 */
function resolve(
  version: Version,
  tags: readonly Tags[],
  enumName: 'SolutionArea' | 'SolutionPlay' | 'PartnerRole',
  property: 'solutionArea' | 'solutionPlay' | 'partnerRole',
): readonly string[] {
  const attributes = idsOf(tags, 'Attribute', enumName)
  if (attributes !== null) return attributes
  const { referral } = version
  const stated = statedOf(referral, property)
  if (stated.length > 0) return distinct(stated.map((value) => word(version, enumName, value)))
  const documented = version.context.enums.get(enumName)
  const solutions = referral.details?.requirements?.solutions ?? []
  if (documented === undefined || solutions.length === 0) return []
  const named: string[] = []
  for (const { name, solutionType } of solutions) {
    if (name === null || solutionType?.toUpperCase() !== 'SA') continue
    const spelling = documented.get(name.toLowerCase())
    if (spelling !== undefined) named.push(spelling)
  }
  return distinct(named)
}

function statedOf(
  referral: ReadReferral,
  property: 'solutionArea' | 'solutionPlay' | 'partnerRole',
): readonly string[] {
  if (referral[property].length > 0) return referral[property]
  const { details } = referral
  if (details === null) return []
  return details[property].length > 0 ? details[property] : (details.requirements?.[property] ?? [])
}

/** Areas of the plays that belong to exactly one. */
function areasOf({ context }: Version, plays: readonly string[]): readonly string[] {
  const areas: string[] = []
  for (const play of plays) {
    const [area, other] = context.plays.get(play) ?? []
    if (area !== undefined && other === undefined) areas.push(area)
  }
  return distinct(areas)
}

function checkPairs(version: Version, areas: readonly string[], plays: readonly string[]): void {
  const { context, findings } = version
  const [area, other] = areas
  // With several areas nothing says which of them a play belongs to.
  if (area === undefined || other !== undefined) return
  if (context.enums.get('SolutionArea')?.get(area.toLowerCase()) === undefined) return
  for (const play of plays) {
    const documented = context.plays.get(play)
    if (documented === undefined || documented.includes(area)) continue
    findings.undocumented.push(['SolutionPlay', area, play])
  }
}

function distinct(values: readonly string[]): readonly string[] {
  return values.length < 2 ? values : [...new Set(values)].sort()
}

function oneOf(values: readonly string[]): string {
  return values.length > 1 ? several : (values[0] ?? notProvided)
}

export function tagRows(
  { accountKey, referralNo }: Version,
  { tags }: ReferralTags,
): Staged<'stg.bridge_referral_tag'>[] {
  const rows: Staged<'stg.bridge_referral_tag'>[] = []
  for (const { group, type, ids } of inOrder(tags)) {
    const weights = equalWeights(ids.length)
    for (let index = 0; index < ids.length; index++) {
      rows.push({
        partner_account_key: accountKey,
        referral_no: referralNo,
        tag_group: group,
        tag_type: type,
        tag_id: ids[index] ?? '',
        weight: weights[index] ?? '0',
        tag_count: ids.length,
      })
    }
  }
  return rows
}

function inOrder(tags: readonly Tags[]): readonly Tags[] {
  if (tags.length < 2) return tags
  return [...tags].sort((left, right) => {
    if (left.group !== right.group) return left.group < right.group ? -1 : 1
    return left.type < right.type ? -1 : 1
  })
}

/** The tags that a referral mentions in any version, each once. */
export class TagCollector {
  private readonly keys = new Map<string, Staged<'stg.dim_tag'>>()

  add(
    { accountKey, referralNo }: Version,
    group: TagGroup | 'Incentive',
    type: string,
    id: string,
  ) {
    const key = `${group}\u001f${type}\u001f${id}`
    if (this.keys.has(key)) return
    this.keys.set(key, {
      partner_account_key: accountKey,
      referral_no: referralNo,
      tag_group: group,
      tag_type: type,
      tag_id: id,
    })
  }

  addAll(version: Version, { tags }: ReferralTags): void {
    for (const { group, type, ids } of tags) {
      for (const id of ids) this.add(version, group, type, id)
    }
  }

  sorted(): Staged<'stg.dim_tag'>[] {
    return inKeyOrder(this.keys)
  }
}
