import type { Version } from '../context.ts'
import { canonicalEnumValue } from '../enum-values.ts'
import type { History } from '../history/history.ts'
import type { ReadReferral } from '../parse/properties.ts'
import type { Staged } from '../staged-rows.ts'
import { hasMicrosoftMember } from './dim-seller.ts'
import type { Classification } from './dim-tag.ts'

/** Enum values of a referral, in documented spelling. */
export interface EnumValues {
  status: string
  substatus: string
  type: string
  qualification: string
  source: string
  callToAction: string
  registrationStatus: string
}

export function enumValuesOf({ referral, context, findings }: Version): EnumValues {
  const { enums } = context
  const status = canonicalEnumValue(enums, findings, 'ReferralStatus', referral.status, 'status')
  return {
    status,
    substatus: canonicalEnumValue(
      enums,
      findings,
      'ReferralSubstatus',
      referral.substatus,
      'substatus',
      status,
    ),
    type: canonicalEnumValue(enums, findings, 'ReferralType', referral.type, 'type'),
    qualification: canonicalEnumValue(
      enums,
      findings,
      'ReferralQualification',
      referral.qualification,
      'qualification',
    ),
    source: canonicalEnumValue(
      enums,
      findings,
      'ReferralSource',
      referral.referralSource,
      'referralSource',
    ),
    callToAction: canonicalEnumValue(
      enums,
      findings,
      'CallToAction',
      referral.callToAction,
      'callToAction',
    ),
    // The documented default, for a referral without a registration.
    registrationStatus: canonicalEnumValue(
      enums,
      findings,
      'RegistrationStatus',
      referral.registrationStatus ?? 'None',
      'registrationStatus',
    ),
  }
}

export interface Header {
  enumValues: EnumValues
  classification: Classification
  history: History
  customerContacts: number
  teamMembers: number
}

export function referralRow(version: Version, header: Header): Staged<'stg.dim_referral'> {
  const { referral, accountKey, referralNo, updatedAt } = version
  const { enumValues, classification, history } = header
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
    referral_status: enumValues.status,
    referral_substatus: enumValues.substatus,
    status_reason: referral.statusReason,
    referral_type: enumValues.type,
    qualification: enumValues.qualification,
    referral_source: enumValues.source,
    call_to_action: enumValues.callToAction,
    registration_status: enumValues.registrationStatus,
    customer_marketplace_intent: classification.marketplaceIntent,
    solution_area: classification.solutionArea,
    solution_play: classification.solutionPlay,
    partner_role: classification.partnerRole,
    referral_category: category(enumValues, invitedBy?.organizationId ?? null),
    deal_type: dealType(enumValues, consent?.consentToShareReferralWithMicrosoftSellers ?? null),
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
    campaign_id: referral.campaignId,
    referral_program: referral.referralProgram,
    quality: referral.quality,
    is_spam: referral.isSpam,
    assistance_request_code: inviteContext?.assistanceRequestCode ?? null,
    has_microsoft_member: hasMicrosoftMember(referral.team),
  }
}

/** Kind of referral in the API's introduction; it follows from type, qualification and inviter. */
function category({ type, qualification }: EnumValues, inviter: string | null): string {
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

function dealType({ type }: EnumValues, isShared: boolean | null): string {
  if (isShared === null) return 'Unknown'
  if (!isShared) return 'Private'
  if (type === 'Shared') return 'Co-sell'
  return type === 'Independent' ? 'Partner-led' : 'Unknown'
}

type Requirements = NonNullable<NonNullable<ReadReferral['details']>['requirements']>
type Iot = NonNullable<NonNullable<Requirements['additionalRequirements']>['iot']>

/** Returns true if a value is set; the API sends `false` for both flags with every referral. */
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
