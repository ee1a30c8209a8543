import type { Referral } from '../../referral.ts'
import { dayOfInstant, pickedDay } from '../cell/days.ts'
import { amount, text, yesOrNo } from '../cell/text.ts'
import { type Column, column, type Layout } from './column.ts'
import { contractOf, lineOf, registrationOf } from './parts.ts'
import {
  contract,
  contractDay,
  historyDay,
  line,
  marketplace,
  registration,
} from './registration-columns.ts'

/** Download of Azure IP co-sell deal registrations: a row for each registered referral. */
export const registrations: Layout = {
  name: 'azure-ip-co-sell-deal-registrations',
  title: 'Azure IP co-sell deal registrations',
  isPadded: false,
  includes: (referral) => registrationOf(referral) !== undefined,
  columns: [
    column('Referral ID', 'id', ({ referral }) => text(referral.id)),
    column(
      'Registration Date',
      { [`${registration}.registrationDateTime`]: 'day' },
      ({ referral }) => dayOfInstant(registrationOf(referral)?.registrationDateTime),
      'day',
    ),
    registrationColumn('Registration Type', 'type'),
    column(
      'Registration Status',
      { [`${registration}.status`]: 'whole', registrationStatus: 'some' },
      ({ referral }) => text(registrationOf(referral)?.status),
    ),
    registrationColumn('Registration Status Reason', 'statusReason'),
    column(
      'Is Marketplace Transacted',
      { [`${marketplace}.isMarketplaceTransacted`]: 'first' },
      ({ referral }) =>
        yesOrNo(lineOf(referral).marketplaceTransactionDetails?.isMarketplaceTransacted),
    ),
    column(
      'Marketplace Transaction Date',
      { [`${marketplace}.marketplaceTransactionDateTime`]: 'first' },
      ({ referral }) =>
        pickedDay(lineOf(referral).marketplaceTransactionDetails?.marketplaceTransactionDateTime),
      'day',
    ),
    column('Is Deployed on Azure', { [`${line}.isDeployedOnAzure`]: 'first' }, ({ referral }) =>
      yesOrNo(lineOf(referral).isDeployedOnAzure),
    ),
    column(
      'Contract Value',
      `${contract}.value`,
      ({ referral }) => amount(contractOf(referral).value),
      'amount',
    ),
    column('Contract Currency', `${contract}.currency`, ({ referral }) =>
      text(contractOf(referral).currency),
    ),
    column('Contract Term', `${contract}.term`, ({ referral }) => text(contractOf(referral).term)),
    contractDay('Contract Sign Date', 'signDateTime'),
    contractDay('Contract Start Date', 'startDateTime'),
    contractDay('Contract End Date', 'endDateTime'),
    column(
      'Solution Value',
      { [`${line}.value`]: 'first' },
      ({ referral }) => amount(lineOf(referral).value),
      'amount',
    ),
    column('Solution Currency', { [`${line}.currency`]: 'first' }, ({ referral }) =>
      text(lineOf(referral).currency),
    ),
    column('Primary Deployment On', { [`${line}.primaryDeploymentOn`]: 'first' }, ({ referral }) =>
      text(lineOf(referral).primaryDeploymentOn),
    ),
    column('Pricing Model', { [`${line}.pricingModel`]: 'first' }, ({ referral }) =>
      text(lineOf(referral).pricingModel),
    ),
    historyDay('Review Pending Date', 'reviewPendingDateTime'),
    historyDay('Action Required Date', 'actionRequiredDateTime'),
    historyDay('Passed Date', 'passedDateTime'),
    historyDay('Failed Date', 'failedDateTime'),
    historyDay('Approved Date', 'approvedDateTime'),
    column('Errors', null, ({ referral }) => errors(referral)),
  ],
}

function registrationColumn(name: string, property: 'type' | 'statusReason'): Column {
  return column(name, `${registration}.${property}`, ({ referral }) =>
    text(registrationOf(referral)?.[property]),
  )
}

/** Returns what an upload of the row would complain of. */
function errors(referral: Referral): string {
  const { endDateTime, term } = contractOf(referral)
  const line = lineOf(referral)
  const missing = [
    endDateTime == null && term !== 'Perpetual' ? 'Contract End Date' : '',
    term == null ? 'Contract Term' : '',
    line.value == null ? 'Solution Value' : '',
    line.isDeployedOnAzure == null ? 'Is Deployed on Azure' : '',
  ].filter((name) => name !== '')
  return missing.map((name) => `Required field ${name} is missing`).join('; ')
}
