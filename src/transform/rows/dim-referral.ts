import type { Version } from '../context.ts'
import { spelled } from '../findings.ts'
import type { History } from '../history/history.ts'
import type { ReadReferral } from '../parse/properties.ts'
import { notProvided, type Staged } from '../staged-rows.ts'
import type { Classification } from './dim-tag.ts'

/** The words of a referral in documented spelling. */
export interface Words {
  status: string
  substatus: string
  type: string
  qualification: string
  source: string
  callToAction: string
  registrationStatus: string
}

export function wordsOf({ referral, context, findings }: Version): Words {
  const { enums } = context
  const status = spelled(enums, findings, 'ReferralStatus', referral.status, 'status')
  return {
    status,
    substatus: spelled(
      enums,
      findings,
      'ReferralSubstatus',
      referral.substatus,
      'substatus',
      status,
    ),
    type: spelled(enums, findings, 'ReferralType', referral.type, 'type'),
    qualification: spelled(
      enums,
      findings,
      'ReferralQualification',
      referral.qualification,
      'qualification',
    ),
    source: spelled(enums, findings, 'ReferralSource', referral.referralSource, 'referralSource'),
    callToAction: spelled(enums, findings, 'CallToAction', referral.callToAction, 'callToAction'),
    // The documented default, for a referral without a registration.
    registrationStatus: spelled(
      enums,
      findings,
      'RegistrationStatus',
      referral.registrationStatus ?? 'None',
      'registrationStatus',
    ),
  }
}

export interface Header {
  words: Words
  classification: Classification
  history: History
  customerContacts: number
  teamMembers: number
}

export function referralRow(version: Version, header: Header): Staged<'stg.dim_referral'> {
  const { referral, accountKey, referralNo, updatedAt } = version
  const { words, classification, history } = header
  const { consent, inviteContext, trackingInfo } = referral
  const invitedBy = inviteContext?.invitedBy ?? null
  const iot = referral.details?.requirements?.additionalRequirements?.iot ?? null
  return {
    partner_account_key: accountKey,
    referral_no: referralNo,
    referral_id: referral.id ?? '',
    engagement_id: referral.engagementId,
    referral_name: referral.name,
    external_reference_id: referral.externalReferenceId,
    mpn_id: referral.mpnId,
    etag: referral.eTag,
    referral_status: words.status,
    referral_substatus: words.substatus,
    status_reason: referral.statusReason,
    referral_type: words.type,
    qualification: words.qualification,
    referral_source: words.source,
    call_to_action: words.callToAction,
    registration_status: words.registrationStatus,
    customer_marketplace_intent: classification.marketplaceIntent,
    solution_area: classification.solutionArea,
    solution_play: classification.solutionPlay,
    partner_role: classification.partnerRole,
    referral_category: category(words, invitedBy?.organizationId ?? null),
    deal_type: dealType(words, consent?.consentToShareReferralWithMicrosoftSellers ?? null),
    consent_to_share_info_with_others: consent?.consentToToShareInfoWithOthers ?? null,
    consent_to_contact: consent?.consentToContact ?? null,
    consent_to_share_with_microsoft_sellers:
      consent?.consentToShareReferralWithMicrosoftSellers ?? null,
    consent_to_microsoft_contact_specific_partners:
      consent?.consentToMicrosoftToContactSpecificPartners ?? null,
    invited_by_organization_id: invitedBy?.organizationId ?? null,
    invited_by_organization_name: invitedBy?.organizationName ?? null,
    has_iot_requirements: isIotDeal(iot),
    iot_license_agreement_number: iot?.customerLicenseAgreementNumber ?? null,
    iot_device_category: iot?.deviceCategory ?? null,
    iot_silicon_type: iot?.siliconType ?? null,
    iot_is_azure_certified_device: iot?.azureCertifiedDevice ?? null,
    iot_has_attached_services: iot?.attachServices ?? null,
    customer_contact_count: header.customerContacts,
    team_member_count: header.teamMembers,
    direction: referral.direction,
    organization_id: referral.organizationId,
    organization_name: referral.organizationName,
    sales_stage: referral.salesStage,
    microsoft_msx_id: trackingInfo?.microsoftMsxId ?? null,
    is_missing: history.missingSince !== null,
    missing_since: history.missingSince,
    source_updated_at: updatedAt,
  }
}

/** The kinds of referral of the API's introduction, told apart by type, quality and inviter. */
function category({ type, qualification }: Words, inviter: string | null): string {
  const isIndependent = type === 'Independent'
  const isMicrosoft = inviter?.toLowerCase() === 'msft'
  const isSales = qualification === 'SalesQualified'
  if (isIndependent && qualification === 'Direct' && (isMicrosoft || inviter === null)) {
    return 'Marketplace lead'
  }
  if (isIndependent && isMicrosoft && (isSales || qualification === 'MarketingQualified')) {
    return 'Qualified lead'
  }
  const isPartner = inviter !== null && !isMicrosoft
  if ((isIndependent || type === 'Shared') && isPartner && (isSales || qualification === 'None')) {
    return 'Co-sell opportunity'
  }
  return 'Other'
}

function dealType({ type }: Words, isShared: boolean | null): string {
  if (isShared === null) return 'Unknown'
  if (!isShared) return 'Private'
  if (type === 'Shared') return 'Co-sell'
  return type === 'Independent' ? 'Partner-led' : 'Unknown'
}

type Requirements = NonNullable<NonNullable<ReadReferral['details']>['requirements']>
type Iot = NonNullable<NonNullable<Requirements['additionalRequirements']>['iot']>

/** The API sends `false` for both flags with every referral, so only what is set tells. */
function isIotDeal(iot: Iot | null): boolean {
  if (iot === null) return false
  return (
    iot.customerLicenseAgreementNumber !== null ||
    iot.deviceCategory !== null ||
    iot.siliconType !== null ||
    iot.azureCertifiedDevice === true ||
    iot.attachServices === true
  )
}

/** Missing words are no status pair, so nothing is said about them. */
export function checkWords(
  { context, findings, referral }: Version,
  words: Words,
  registrations: readonly { status: string }[],
): void {
  const { status, substatus, registrationStatus } = words
  const allowed = context.substatuses.get(status)
  const isDocumented = context.enums.get('ReferralSubstatus')?.has(substatus.toLowerCase()) ?? true
  if (allowed !== undefined && substatus !== notProvided && isDocumented) {
    if (!allowed.has(substatus)) {
      const detail = 'substatus is not allowed with this status'
      findings.add('status_substatus_not_allowed', '', detail, `${status} / ${substatus}`)
    }
  }
  if (registrations.length > 1) {
    const detail = 'expected at most one registration'
    findings.add('more_than_one_registration', '', detail, String(registrations.length))
  }
  const [only] = registrations
  if (registrations.length === 1 && only !== undefined && referral.registrationStatus !== null) {
    if (only.status !== notProvided && only.status !== registrationStatus) {
      const detail = 'status of the referral, then of its registration'
      const observed = `${registrationStatus} / ${only.status}`
      findings.add('registration_status_mismatch', '', detail, observed)
    }
  }
}
