import type { OfferTag, Referral, RegistrationContract } from '../../referral.ts'
import { annualValue } from '../cell/annual-value.ts'
import { dayOfInstant, pickedDay } from '../cell/days.ts'
import { fractionOf, rounded } from '../cell/decimal.ts'
import { inDollars } from '../cell/dollars.ts'
import { amount, list, text, yesOrNo } from '../cell/text.ts'
import { type Column, column, type Layout, type Row } from './column.ts'
import { attributeOf, contractOf, isLead, lineOf, registrationOf, solutionsOf } from './parts.ts'
import {
  contract,
  contractDay,
  historyDay,
  line,
  marketplace,
  registration,
} from './registration-columns.ts'

const solution = 'details.requirements.solutions[]'
const offer = 'details.requirements.offers[]'
const attributes = 'details.requirements.additionalRequirements.attributes[]'

const referralId = column('Referral ID', 'id', ({ referral }) => text(referral.id))
const partnerId = column('PartnerID', 'mpnId', ({ referral }) => text(referral.mpnId))
const customer: readonly Column[] = [
  column('Customer Country', 'customerProfile.address.country', ({ referral }) =>
    text(referral.customerProfile?.address?.country),
  ),
  column('Customer City', 'customerProfile.address.city', ({ referral }) =>
    text(referral.customerProfile?.address?.city),
  ),
  column('Customer Name', 'customerProfile.name', ({ referral }) =>
    text(referral.customerProfile?.name),
  ),
]
const status: readonly Column[] = [
  column('Status', 'status', ({ referral }) => text(referral.status)),
  column('Status Reason', 'statusReason', ({ referral }) => text(referral.statusReason)),
]

/** Download of the co-sell page of Insights: a row for each referral. */
export const insightsCoSell: Layout = {
  name: 'insights-co-sell',
  title: 'Insights co-sell download',
  isPadded: true,
  includes: (referral) => !isLead(referral),
  columns: [
    referralId,
    ...customer,
    createdDay('Referral Creation Date'),
    column('Deal Type', null, ({ referral }) => dealType(referral)),
    column('Deal Direction', 'direction', ({ referral }) => text(referral.direction)),
    ...dealValue('Deal currency', 'Estimated Deal value'),
    column('Solution ID', `${solution}.id`, ({ referral }) =>
      list(solutionsOf(referral).map(({ id }) => id)),
    ),
    column('Solution Name', `${solution}.name`, ({ referral }) =>
      list(solutionsOf(referral).map(({ name }) => name)),
    ),
    partnerId,
    column('Partner Name', 'organizationName', ({ referral }) => text(referral.organizationName)),
    column('Deal ID', `${registration}.id`, ({ referral }) => text(registrationOf(referral)?.id)),
    column('Engagement ID', 'engagementId', ({ referral }) => text(referral.engagementId)),
    column('Microsoft MSX ID', 'trackingInfo.microsoftMsxId', ({ referral }) =>
      text(referral.trackingInfo?.microsoftMsxId),
    ),
    column(
      'Microsoft Referral Creation Date',
      null,
      ({ microsoft }) => dayOfInstant(microsoft?.createdDateTime),
      'day',
    ),
    column('Contract Currency', `${contract}.currency`, ({ referral }) =>
      text(contractOf(referral).currency),
    ),
    column(
      'Contract Value',
      `${contract}.value`,
      ({ referral }) => amount(contractOf(referral).value),
      'amount',
    ),
    column('Contract Value (USD)', null, ({ referral }) => contractDollars(referral), 'amount'),
    contractDay('Contract Start Date', 'startDateTime'),
    contractDay('Contract End Date', 'endDateTime'),
    contractDay('Contract Sign Date', 'signDateTime'),
    column('Contract Term', `${contract}.term`, ({ referral }) => text(contractOf(referral).term)),
    lineColumn('Registered deal solution ID', 'id'),
    lineColumn('Registered deal solution name', 'name'),
    lineColumn('Registered deal solution currency', 'currency'),
    column(
      'Registered deal solution value',
      { [`${line}.value`]: 'first' },
      ({ referral }) => amount(lineOf(referral).value),
      'amount',
    ),
    column(
      'Registered deal solution value (USD)',
      null,
      ({ referral }) => lineDollars(referral),
      'amount',
    ),
    column('Deployed On', { [`${line}.isDeployedOnAzure`]: 'first' }, ({ referral }) =>
      cloud(lineOf(referral).isDeployedOnAzure),
    ),
    column('Primary Deployment On', { [`${line}.primaryDeploymentOn`]: 'first' }, ({ referral }) =>
      tenant(lineOf(referral).primaryDeploymentOn),
    ),
    column(
      'Deal Creation Date',
      { [`${registration}.registrationDateTime`]: 'day' },
      ({ referral }) => dayOfInstant(registrationOf(referral)?.registrationDateTime),
      'day',
    ),
    historyDay('Deal Review Pending Date', 'reviewPendingDateTime'),
    historyDay('Deal Approved Date', 'approvedDateTime'),
    historyDay('Deal Review Passed Date', 'passedDateTime'),
    historyDay('Deal Review Failed Date', 'failedDateTime'),
    column('Annual Contract Value', null, microsoftsAnnualValue, 'amount'),
    column('Pricing Model', { [`${line}.pricingModel`]: 'first' }, ({ referral }) =>
      pricing(lineOf(referral).pricingModel),
    ),
    column('US Federal Deal', null, ({ referral }) =>
      yesOrNo(referral.trackingInfo?.microsoftUSFedOpportunityId != null),
    ),
    column(
      'Is Marketplace Transacted Deal',
      { [`${marketplace}.isMarketplaceTransacted`]: 'first' },
      ({ referral }) =>
        yesOrNo(lineOf(referral).marketplaceTransactionDetails?.isMarketplaceTransacted),
    ),
    column(
      'Marketplace transaction date',
      { [`${marketplace}.marketplaceTransactionDateTime`]: 'first' },
      ({ referral }) =>
        pickedDay(lineOf(referral).marketplaceTransactionDetails?.marketplaceTransactionDateTime),
      'day',
    ),
    ...status,
    column('Partner Program', null, () => ''),
    column(
      'Partner Role',
      { [`${attributes}.id`]: 'some', [`${attributes}.type`]: 'some' },
      ({ referral }) => attributeOf(referral, 'PartnerRole'),
    ),
  ],
}

/** Download of the leads page of Insights: a row for each lead. */
export const insightsLeads: Layout = {
  name: 'insights-leads',
  title: 'Insights leads download',
  isPadded: true,
  includes: isLead,
  columns: [
    referralId,
    createdDay('Creation Date'),
    column(
      'Updated Date',
      { updatedDateTime: 'day' },
      ({ referral }) => dayOfInstant(referral.updatedDateTime),
      'day',
    ),
    partnerId,
    ...customer,
    column('Lead Type', 'qualification', ({ referral }) =>
      referral.qualification === 'Direct' ? 'Offer lead' : 'Qualified lead',
    ),
    column('Lead Source', 'referralSource', ({ referral }) => spaced(referral.referralSource)),
    column('Call to action', 'callToAction', ({ referral }) => spaced(referral.callToAction)),
    column('Referral program', null, () => ''),
    column(
      'Business profile ID',
      { 'target[].id': 'some', 'target[].type': 'some' },
      ({ referral }) => businessProfile(referral),
    ),
    column('Offer ID', `${offer}.id`, ({ referral }) =>
      list(offersOf(referral).map(({ id }) => id)),
    ),
    column('Offer name', `${offer}.name`, ({ referral }) =>
      list(offersOf(referral).map(({ name }) => name)),
    ),
    ...dealValue('Lead currency', 'Lead value'),
    ...status,
  ],
}

function createdDay(name: string): Column {
  return column(
    name,
    { createdDateTime: 'day' },
    ({ referral }) => dayOfInstant(referral.createdDateTime),
    'day',
  )
}

function dealValue(currencyName: string, valueName: string): Column[] {
  return [
    column(currencyName, 'details.currency', ({ referral }) => text(referral.details?.currency)),
    column(
      valueName,
      'details.dealValue',
      ({ referral }) => amount(referral.details?.dealValue),
      'amount',
    ),
    column(`${valueName} (USD)`, null, ({ referral }) => dealDollars(referral), 'amount'),
  ]
}

function lineColumn(name: string, property: 'id' | 'name' | 'currency'): Column {
  return column(name, { [`${line}.${property}`]: 'first' }, ({ referral }) =>
    text(lineOf(referral)[property]),
  )
}

function dealDollars({ details, createdDateTime }: Referral): string {
  const day = dayOfInstant(createdDateTime)
  return inDollars(amount(details?.dealValue), text(details?.currency), day)
}

function contractDollars(referral: Referral): string {
  const { value, currency } = contractOf(referral)
  return inDollars(amount(value), text(currency), rateDay(referral))
}

function lineDollars(referral: Referral): string {
  const { value, currency } = lineOf(referral)
  return inDollars(amount(value), text(currency), rateDay(referral))
}

/** Returns the day whose month decides the rate of a registration: that of the signature. */
function rateDay(referral: Referral): string {
  const signed = pickedDay(contractOf(referral).signDateTime)
  return signed === '' ? dayOfInstant(registrationOf(referral)?.registrationDateTime) : signed
}

/** Returns Microsoft's annual contract value, which approved and passed registrations have alone. */
function microsoftsAnnualValue({ referral, convention }: Row): string {
  const { status } = registrationOf(referral) ?? {}
  if (status !== 'Approved' && status !== 'Passed') return ''
  const agreed = contractOf(referral)
  const value = annualValue(
    {
      value: convention.isOnSolutions ? linesTotal(referral, agreed) : amount(agreed.value),
      currency: text(agreed.currency),
      start: pickedDay(agreed.startDateTime),
      end: pickedDay(agreed.endDateTime),
      isPerpetual: agreed.term === 'Perpetual',
    },
    convention,
  )
  return convention.isInDollars ? inDollars(value, text(agreed.currency), rateDay(referral)) : value
}

/** Returns the sum of the lines in the currency of the contract; its own value when there is none. */
function linesTotal(referral: Referral, { value, currency }: RegistrationContract): string {
  const amounts = (registrationOf(referral)?.solutionDetails ?? [])
    .filter((each) => each.value != null && (each.currency ?? currency) === currency)
    .map((each) => fractionOf(amount(each.value)))
  if (amounts.length === 0) return amount(value)
  const denominator = amounts.reduce((most, each) => most * each.denominator, 1n)
  const numerator = amounts.reduce(
    (sum, each) => sum + each.numerator * (denominator / each.denominator),
    0n,
  )
  return rounded({ numerator, denominator }, 3)
}

function dealType({ type, consent }: Referral): string {
  if (type === 'Shared') return 'Co-sell'
  return consent?.consentToShareReferralWithMicrosoftSellers === true ? 'Partner-led' : 'Private'
}

function cloud(isDeployedOnAzure: boolean | null | undefined): string {
  return isDeployedOnAzure == null ? '' : isDeployedOnAzure ? 'Azure' : 'Others'
}

function tenant(deployment: string | null | undefined): string {
  return deployment == null ? '' : `${deployment} Tenant`
}

function pricing(model: string | null | undefined): string {
  if (model === 'PayAsYouGo') return 'Pay as you go'
  return model === 'Other' ? 'Others' : text(model)
}

/** Returns `AzureMarketplace` as `Azure Marketplace`, and `AppSource` and `PowerBI` as they are. */
function spaced(word: string | null | undefined): string {
  if (word === 'AppSource' || word === 'PowerBI') return word
  return text(word).replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
}

function businessProfile({ target }: Referral): string {
  const targets = Array.isArray(target) ? target : []
  return text(targets.find(({ type }) => type === 'BusinessProfileLocation')?.id)
}

function offersOf({ details }: Referral): readonly OfferTag[] {
  return details?.requirements?.offers ?? []
}
