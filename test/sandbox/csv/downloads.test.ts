import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type DownloadFile, downloads } from '../../../src/sandbox/csv/file/downloads.ts'
import { coSell2023 as coSell2023Layout } from '../../../src/sandbox/csv/layout/co-sell.ts'
import { layouts } from '../../../src/sandbox/csv/layout/layouts.ts'
import type { Referral } from '../../../src/sandbox/referral.ts'
import { documentedHeaders } from '../../support/csv-headers.ts'
import { aPopulation } from './population.ts'
import { members, type ParsedRow, readDownload } from './read-files.ts'

const referrals = aPopulation(2000)
const byId = new Map(referrals.map((each) => [each.id, each]))
const leads = referrals.filter(({ qualification = '' }) =>
  ['Direct', 'MarketingQualified'].includes(qualification ?? ''),
)
const files = [...downloads(referrals)].filter(({ path }) => path.startsWith('partner-center/'))

const rowsOf = (name: string) =>
  files.filter(({ layout }) => layout.name === name).flatMap(readDownload)
const coSell2023 = rowsOf('co-sell-opportunities-2023')
const coSell2021 = rowsOf('co-sell-opportunities-2021')
const registrations = rowsOf('azure-ip-co-sell-deal-registrations')
const insights = rowsOf('insights-co-sell')
const insightsLeads = rowsOf('insights-leads')

const referralOf = (row: ParsedRow): Referral => {
  const found = byId.get(row['Referral ID'] ?? '')
  if (found === undefined) throw new Error(`no referral ${row['Referral ID']}`)
  return found
}
const text = (value: unknown) => (value == null ? '' : String(value))
const dayMs = 86_400_000
/** M/D/YYYY of the midnight that is nearest to an instant. */
const picked = (instant: string | null | undefined) => {
  if (instant == null) return ''
  const day = new Date(Math.round(Date.parse(instant) / dayMs) * dayMs)
  return `${day.getUTCMonth() + 1}/${day.getUTCDate()}/${day.getUTCFullYear()}`
}
/** M/D/YYYY of the day in UTC in which an instant falls. */
const within = (instant: string | null | undefined) => picked(instant?.replace(/T.*/, 'T00:00:00Z'))
const padded = (day: string) => day.replaceAll(/(?<=^|\/)(\d)(?=\/)/g, '0$1')
const yesOrNo = (value: boolean | null | undefined) =>
  value === true ? 'Yes' : value === false ? 'No' : ''

describe('the files of the sandbox', () => {
  test.each([
    ['co-sell opportunities (2023)', documentedHeaders.cosell_2023],
    ['co-sell opportunities (2021)', documentedHeaders.cosell_2021],
    ['Azure IP co-sell deal registrations', documentedHeaders.registrations],
    ['Insights co-sell download', documentedHeaders.insights_cosell],
    ['Insights leads download', documentedHeaders.insights_leads],
  ])('the file of %s has the documented columns in their order', (title, names) => {
    const file = files.find(({ layout }) => layout.title === title)
    const header = Object.keys(readDownload(file as DownloadFile)[0] ?? {})
    const isFurther = (name: string) => /^(Solution|.*[Tt]eam member) ([2-9]|\d\d)$/.test(name)
    expect(header.filter((name) => !isFurther(name))).toEqual(names)
  })

  test('each referral is once in a co-sell file or in the leads file', () => {
    const ids = (rows: readonly ParsedRow[]) => rows.map((row) => row['Referral ID'])
    const others = referrals.filter((each) => !leads.includes(each)).map(({ id }) => id)
    expect(ids(coSell2023)).toEqual(others)
    expect(ids(coSell2021)).toEqual(others)
    expect(ids(insights)).toEqual(others)
    expect(ids(insightsLeads)).toEqual(leads.map(({ id }) => id))
    const registered = referrals.filter((each) => (each.registrations ?? []).length > 0)
    expect(ids(registrations)).toEqual(registered.map(({ id }) => id))
    expect(registered.length).toBeGreaterThan(100)
  })

  test('a numbered file has at most as many rows as Partner Center gives, and no row is lost', () => {
    const sliced = [...downloads(referrals, { rowsMax: 700, layouts: [coSell2023Layout] })].filter(
      ({ path }) => path.startsWith('partner-center/'),
    )
    expect(sliced.map(({ path, rows }) => [path.slice(-6), rows])).toEqual([
      ['01.csv', 700],
      ['02.csv', 700],
      ['03.csv', coSell2023.length - 1400],
    ])
    const ids = sliced.flatMap(readDownload).map((row) => row['Referral ID'])
    expect(ids).toEqual(coSell2023.map((row) => row['Referral ID']))
  })

  test('an equal population gives files that are equal in each byte', () => {
    const digest = (population: Referral[]) => {
      const hash = createHash('sha256')
      for (const { path, bytes } of downloads(population)) hash.update(path).update(bytes)
      return hash.digest('hex')
    }
    expect(digest(aPopulation(60, 7))).toBe(digest(aPopulation(60, 7)))
    expect(digest(aPopulation(60, 7))).not.toBe(digest(aPopulation(60, 8)))
  })

  test('each file begins with a byte order mark and ends with CRLF', () => {
    for (const { bytes } of files) {
      expect([...bytes.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf])
      expect(bytes.subarray(-2).toString()).toBe('\r\n')
    }
  })
})

describe('a row of co-sell opportunities', () => {
  test.each([
    ['2023', coSell2023],
    ['2021', coSell2021],
  ])('a row shows the deal of its referral in the layout of %s', (_, rows) => {
    for (const row of rows) {
      const { details, consent, customerProfile, ...referral } = referralOf(row)
      const [contact] = customerProfile?.team ?? []
      expect(row).toMatchObject({
        'Engagement ID': text(referral.engagementId),
        'Deal Name': text(referral.name),
        'Customer Name': text(customerProfile?.name),
        'Customer City': text(customerProfile?.address?.city),
        'Customer State': text(customerProfile?.address?.state),
        'Customer Country': text(customerProfile?.address?.country),
        'Customer Contact Last Name': text(contact?.lastName),
        'Customer Contact Email Address': text(contact?.email),
        'Partner Referral Status': text(referral.status),
        'Partner Referral Substatus': text(referral.substatus),
        'Sales Stage': text(referral.salesStage),
        'Estimated Deal Value': text(details?.dealValue),
        Currency: text(details?.currency),
        'Estimated Close Date': picked(details?.closingDateTime),
        'CRM ID': text(referral.externalReferenceId),
        Notes: text(details?.notes),
        'Notes to Microsoft': text(referral.inviteContext?.notes),
        'Share with Microsoft sales team': yesOrNo(
          consent?.consentToShareReferralWithMicrosoftSellers,
        ),
      })
    }
  })

  test('each solution and each member of the team is packed into a cell of its own', () => {
    for (const row of coSell2023) {
      const { details, team } = referralOf(row)
      const solutions = details?.requirements?.solutions ?? []
      expect(members(row, 'Solution').map((cell) => cell.split(', '))).toEqual(
        solutions.map(({ id, currency, price, quantity }) => {
          const cell = [id, currency, price?.replace(',', ''), quantity].map(text)
          while (cell.at(-1) === '') cell.pop()
          return cell
        }),
      )
      expect(members(row, 'Team member').map((cell) => cell.split(', ').at(-1))).toEqual(
        (team ?? []).map(({ email }) => email),
      )
    }
    expect(Math.max(...coSell2023.map((row) => members(row, 'Solution').length))).toBe(4)
  })

  test('the marketplace intent is in the words of the file', () => {
    const intents = coSell2023.map((row) => row['Marketplace Purchase Intent'])
    expect([...new Set(intents)].sort()).toEqual(['', 'Have not decided', 'No', 'Yes'])
  })

  test("Microsoft Referral Status is the substatus of Microsoft's own referral of the deal", () => {
    const shared = coSell2023.filter((row) => row['Microsoft Referral Status'] !== '')
    expect(shared.length).toBeGreaterThan(500)
    for (const row of shared) {
      const engagement = referrals.filter((each) => each.engagementId === row['Engagement ID'])
      expect(engagement.map(({ substatus }) => substatus)).toContain(
        row['Microsoft Referral Status'],
      )
    }
  })

  test('two complaints are separated by a semicolon', () => {
    const complaints = new Set(coSell2023.map((row) => row.Errors))
    expect([...complaints]).toContain(
      'Required field Solution 1 missing; Required field Team member 1 missing',
    )
  })
})

test('a row of registrations shows contract, first line and history of the registration', () => {
  for (const row of registrations) {
    const [registration] = referralOf(row).registrations ?? []
    const { contract, statusHistory } = registration ?? {}
    const [line] = registration?.solutionDetails ?? []
    const marketplace = line?.marketplaceTransactionDetails
    expect(row).toMatchObject({
      'Registration Date': within(registration?.registrationDateTime),
      'Registration Type': 'AzureIPCoSell',
      'Registration Status': registration?.status,
      'Registration Status Reason': text(registration?.statusReason),
      'Is Marketplace Transacted': yesOrNo(marketplace?.isMarketplaceTransacted),
      'Marketplace Transaction Date': picked(marketplace?.marketplaceTransactionDateTime),
      'Is Deployed on Azure': yesOrNo(line?.isDeployedOnAzure),
      'Contract Value': text(contract?.value),
      'Contract Currency': text(contract?.currency),
      'Contract Term': text(contract?.term),
      'Contract Sign Date': picked(contract?.signDateTime),
      'Contract Start Date': picked(contract?.startDateTime),
      'Contract End Date': picked(contract?.endDateTime),
      'Solution Value': text(line?.value),
      'Review Pending Date': within(statusHistory?.reviewPendingDateTime),
      'Approved Date': within(statusHistory?.approvedDateTime),
    })
  }
  expect(new Set(registrations.map((row) => row.Errors)).size).toBeGreaterThan(3)
})

test('a row of the Insights co-sell download shows its referral with two digits a day', () => {
  for (const row of insights) {
    const referral = referralOf(row)
    const [registration] = referral.registrations ?? []
    const solutions = referral.details?.requirements?.solutions ?? []
    expect(row).toMatchObject({
      'Customer Name': text(referral.customerProfile?.name),
      'Referral Creation Date': padded(within(referral.createdDateTime)),
      'Deal Direction': text(referral.direction),
      'Estimated Deal value': text(referral.details?.dealValue),
      'Solution ID': solutions.map(({ id }) => id).join(', '),
      'Partner Name': text(referral.organizationName),
      'Deal ID': text(registration?.id),
      'Contract Value': text(registration?.contract?.value),
      'Contract Start Date': padded(picked(registration?.contract?.startDateTime)),
      'Registered deal solution ID': text(registration?.solutionDetails?.[0]?.id),
      Status: text(referral.status),
      'Status Reason': text(referral.statusReason),
    })
  }
  const kinds = new Set(insights.map((row) => row['Deal Type']))
  expect([...kinds].sort()).toEqual(['Co-sell', 'Partner-led', 'Private'])
})

test('a row of the Insights leads download shows its lead', () => {
  for (const row of insightsLeads) {
    const lead = referralOf(row)
    const isOffer = lead.qualification === 'Direct'
    expect(row).toMatchObject({
      'Creation Date': padded(within(lead.createdDateTime)),
      'Updated Date': padded(within(lead.updatedDateTime)),
      'Lead Type': isOffer ? 'Offer lead' : 'Qualified lead',
      'Lead value': text(lead.details?.dealValue),
      'Offer ID': (lead.details?.requirements?.offers ?? []).map(({ id }) => id).join(', '),
    })
    expect(row['Lead Source']?.replaceAll(' ', '')).toBe(text(lead.referralSource))
    expect(row['Call to action']?.replaceAll(' ', '')).toBe(text(lead.callToAction))
  }
})

describe('broken rows', () => {
  const some = referrals.slice(0, 400)
  const whole = [...downloads(some)]
  const spoilt = [...downloads(some, { broken: 10 })]
  const changes = layouts.map(({ name }) => {
    const [before, after] = [whole, spoilt].map((files) =>
      files.filter(({ path }) => path === `partner-center/${name}-01.csv`).flatMap(readDownload),
    )
    return (after ?? []).flatMap((row, index) =>
      Object.entries(row).filter(([column, cell]) => before?.[index]?.[column] !== cell),
    )
  })

  test('each file has as many broken rows as asked for', () => {
    expect(changes.map((cells) => cells.length)).toEqual([10, 10, 10, 10, 10])
  })

  test('rows are broken in each way in turn', () => {
    expect(changes[0]?.slice(0, 6)).toEqual([
      ['Referral ID', ''],
      ['Estimated Close Date', '02/30/2024'],
      ['Estimated Deal Value', 'twelve thousand'],
      ['Customer D-U-N-S ID', '081466849'],
      ['CRM ID', '34234324000123'],
      ['Referral ID', ''],
    ])
    expect(changes[2]?.slice(0, 3)).toEqual([
      ['Referral ID', ''],
      ['Registration Date', '02/30/2024'],
      ['Contract Value', 'twelve thousand'],
    ])
  })
})
