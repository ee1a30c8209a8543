import { describe, expect, test } from 'vitest'
import { describeProblem } from '../../src/csv/cell/problem.ts'
import type { LayoutName } from '../../src/csv/layout/column.ts'
import { csvBytes, downloaded, importBytes, linesOf } from '../support/csv-files.ts'
import { documentedHeaders } from '../support/csv-headers.ts'

const id = 'f7eaae47-0b84-4ac4-b4ea-5b2587d42cee'
const engagement = '65edc0b5-3485-41b7-a17e-dfa9ef4706e2'

type Cells = Readonly<Record<string, string>>

function read(layout: LayoutName, ...rows: readonly Cells[]) {
  const withId = rows.map((row) => ({ 'Referral ID': id, ...row }))
  return importBytes(csvBytes(linesOf(documentedHeaders[layout], withId)))
}

async function only(layout: LayoutName, row: Cells) {
  const { rows } = await read(layout, row)
  const [first] = rows
  if (first === undefined) throw new Error('no row')
  return first
}

async function sentences(layout: LayoutName, row: Cells): Promise<string[]> {
  return (await only(layout, row)).problems.map(describeProblem)
}

describe('a row of co-sell opportunities', () => {
  test('the documented examples become a partial referral in the shape of the API', async () => {
    const row = await only('cosell_2023', {
      'Engagement ID': `{${engagement.toUpperCase()}}`,
      'Deal Name': 'UK spring deal',
      'Customer Name': 'Contoso Corporation',
      'Customer Address Line 1': 'One Contoso Way',
      'Customer City': 'Redmond',
      'Customer Postal code': '98052',
      'Customer Country': 'US',
      'Customer D-U-N-S ID': '08-146-6849',
      'Customer Contact First Name': 'John',
      'Customer Contact Email Address': 'john.customer@example.com',
      'Partner Referral Status': 'active',
      'Partner Referral Substatus': 'Accepted',
      'Microsoft Referral Status': 'Pending',
      'Declined/Lost/Error reason': '6',
      'Sales Stage': '40',
      'Estimated Deal Value': '12563',
      Currency: 'usd',
      'Estimated Close Date': '1/30/2020',
      'CRM ID': '34234324-sdfsdf-345345-sfd',
      Notes: 'This is a sample note.',
      'Microsoft help required?': 'Yes',
      'What specific help from Microsoft?': '3',
      'Consent to share Customer/Partner contact': 'Yes',
      'Azure Certified Device': 'No',
      'Marketplace Purchase Intent': 'Have not decided',
      'Solution 1': 'SOL-1234-PQRS, USD, 10, 100',
      'Team member 1': 'Bob, Partner, 999999, Bob.partner@example.com',
      'Microsoft team member 1': 'Sam, Seller, 999999, Sam.seller@example.com',
    })
    expect(row.problems).toEqual([])
    expect(row.referral).toEqual({
      id,
      engagementId: engagement,
      name: 'UK spring deal',
      customerProfile: {
        name: 'Contoso Corporation',
        address: {
          addressLine1: 'One Contoso Way',
          city: 'Redmond',
          postalCode: '98052',
          country: 'US',
        },
        ids: [{ profileType: 'Duns', id: '081466849' }],
        team: [{ firstName: 'John', email: 'john.customer@example.com' }],
      },
      status: 'Active',
      substatus: 'Accepted',
      salesStage: '40',
      externalReferenceId: '34234324-sdfsdf-345345-sfd',
      details: {
        dealValue: '12563',
        currency: 'USD',
        closingDateTime: '2020-01-30T00:00:00Z',
        notes: 'This is a sample note.',
        requirements: {
          solutions: [{ id: 'SOL-1234-PQRS', currency: 'USD', price: '10', quantity: '100' }],
          additionalRequirements: {
            iot: { azureCertifiedDevice: false },
            attributes: [{ type: 'CustomerMarketplaceIntent', id: 'HaveNotDecided' }],
          },
        },
      },
      inviteContext: { assistanceRequestCode: 'ProofOfConceptOrDemo' },
      consent: { consentToToShareInfoWithOthers: true },
      team: [
        {
          firstName: 'Bob',
          lastName: 'Partner',
          phoneNumber: '999999',
          email: 'Bob.partner@example.com',
        },
      ],
    })
    expect(row.cells).toMatchObject({
      'Microsoft Referral Status': 'Pending',
      'Declined/Lost/Error reason': '6',
      'Microsoft help required?': 'Yes',
    })
  })

  test('people, notes, errors and unknown columns are restricted cells', async () => {
    const header = [...documentedHeaders.cosell_2021, 'Owner']
    const { file, rows } = await importBytes(
      csvBytes(
        linesOf(header, [
          {
            'Referral ID': id,
            Errors: 'Required field Solution 1 missing; Invalid country',
            'Customer Contact Last Name': 'Customer',
            Notes: 'a note',
            'Team member 1': 'Bob, Partner, , bob@example.com',
            Owner: 'Ann',
          },
        ]),
      ),
    )
    expect(rows[0]?.cells).toEqual({ 'Referral ID': id })
    expect(rows[0]?.restricted).toEqual({
      Errors: 'Required field Solution 1 missing; Invalid country',
      'Customer Contact Last Name': 'Customer',
      Notes: 'a note',
      'Team member 1': 'Bob, Partner, , bob@example.com',
      Owner: 'Ann',
    })
    expect(rows[0]?.errors).toEqual(['Required field Solution 1 missing', 'Invalid country'])
    expect(file.notices).toEqual([
      'deals.csv: a column is not of the layout co-sell opportunities (2021) and kept with the ' +
        'rows alone: "Owner".',
    ])
  })

  test.each<[string, Cells, string]>([
    [
      'a zero that a spreadsheet dropped from a D-U-N-S number',
      { 'Customer D-U-N-S ID': '81466849' },
      'deals.csv:2 Customer D-U-N-S ID: expected a D-U-N-S number of 9 digits, got "81466849" ' +
        'without the zeros at its beginning, as a spreadsheet leaves it. The referral was loaded ' +
        'without the value; download the file again and import it without opening it in a ' +
        'spreadsheet.',
    ],
    [
      'a zero that a spreadsheet dropped from a postal code',
      { 'Customer Postal code': '2134', 'Customer Country': 'US' },
      'Customer Postal Code: expected a postal code of 5 digits, got "2134" without the zeros',
    ],
    [
      'an id in scientific notation',
      { 'CRM ID': '1.23457E+17' },
      'CRM ID: expected an id with all of its digits, got "1.23457E+17" in scientific notation',
    ],
    [
      'an amount in scientific notation',
      { 'Estimated Deal Value': '1.2E+11' },
      'Estimated Deal Value: expected an amount such as 1234.50, got "1.2E+11" in scientific',
    ],
    [
      'a phone number in scientific notation, without its digits',
      { 'Customer Contact Phone number': '4.42071E+11' },
      'Customer Contact Phone number: expected an id with all of its digits, got a number in ' +
        'scientific notation',
    ],
    [
      'a formula that failed',
      { 'Deal Name': '#NAME?' },
      'Deal Name: expected the value of the download, got "#NAME?", which a spreadsheet put',
    ],
    [
      'a column that was too narrow',
      { 'Estimated Close Date': '########' },
      'Estimated Close Date: expected the value of the download, got "########"',
    ],
    [
      'a date that is none',
      { 'Estimated Close Date': '2/30/2020' },
      'Estimated Close Date: expected a date of 2000 to 2099 as MM/DD/YYYY or YYYY-MM-DD, got ' +
        '"2/30/2020". The referral was loaded without the value; correct the cell or give ' +
        '--date-order, then import the file again.',
    ],
    [
      'text that may name a person, by its length alone',
      { 'Estimated Deal Value': 'Ann Example' },
      'Estimated Deal Value: expected an amount such as 1234.50, got other text of 11 characters.',
    ],
    ['a currency', { Currency: '€' }, 'expected a currency of three letters such as USD, got "€"'],
    [
      'a flag',
      { 'Microsoft help required?': '2' },
      'Microsoft help required?: expected Yes or No, got "2"',
    ],
    [
      'a code',
      { 'What specific help from Microsoft?': '7' },
      'expected a number from 1 to 6, got "7"',
    ],
    [
      'a packed solution with a fifth value',
      { 'Solution 1': 'SOL-1, EUR, 10,50, 3' },
      'Solution 1: expected a solution such as SOL-1234-PQRS, USD, 10, 100, got 5 values.',
    ],
  ])('%s is reported, and the row loaded without it', async (_what, row, sentence) => {
    const { problems, referral, cells, restricted } = await only('cosell_2023', row)
    expect(problems.map(describeProblem)).toEqual([expect.stringContaining(sentence)])
    expect(problems[0]?.effect).toBe('loaded_without_value')
    const column = problems[0]?.column ?? ''
    const [cell = ''] = Object.values(row)
    expect(cells).not.toHaveProperty([column])
    expect(restricted).toHaveProperty([column], cell)
    expect(referral).toMatchObject({ id })
    expect(JSON.stringify({ ...referral, id: '' })).not.toContain(cell)
  })

  test.each([
    ['nothing', '', 'got nothing'],
    ['a number', '1.2E+11', 'got "1.2E+11" in scientific notation'],
    ['a name', 'Contoso', 'got other text of 7 characters'],
  ])('a row with %s for its id is quarantined', async (_what, cell, got) => {
    const { rows } = await importBytes(
      csvBytes(linesOf(documentedHeaders.cosell_2023, [{ 'Referral ID': cell, 'Deal Name': 'x' }])),
    )
    expect(rows).toMatchObject([{ referralId: null, referral: null, cells: { 'Deal Name': 'x' } }])
    expect(rows[0]?.problems).toMatchObject([{ column: 'Referral ID', effect: 'quarantined' }])
    expect(rows[0]?.problems.map(describeProblem)[0]).toContain(got)
  })

  test('the solution of a cell with bad values keeps its id', async () => {
    const row = await only('cosell_2023', { 'Solution 1': 'SOL-1, EUR, 10,50, 3' })
    expect(row.referral).toMatchObject({
      details: { requirements: { solutions: [{ id: 'SOL-1' }] } },
    })
  })

  test.each([
    ['0049', 'AU'],
    ['02134', 'US'],
    ['SW1A 1AA', 'GB'],
    ['2134', 'BE'],
    ['D-1234', 'DE'],
  ])('postal code %s of %s is loaded', async (code, country) => {
    const row = { 'Customer Postal code': code, 'Customer Country': country }
    expect(await sentences('cosell_2023', row)).toEqual([])
  })

  test('an id that a formula keeps from a spreadsheet is read without it', async () => {
    const row = await only('cosell_2023', { 'CRM ID': '="00012"' })
    expect(row.referral).toMatchObject({ externalReferenceId: '00012' })
  })

  test('an id such as 12E5 is no scientific notation', async () => {
    expect(await sentences('cosell_2023', { 'CRM ID': '12E5' })).toEqual([])
  })
})

describe('a row of deal registrations', () => {
  test('the documented examples become a registration', async () => {
    const row = await only('registrations', {
      'Registration Date': '10/22/2022',
      'Registration Type': 'AzureIPCoSell',
      'Registration Status': 'Action Required',
      'Is Marketplace Transacted': 'Yes',
      'Marketplace Transaction Date': '9/30/2022',
      'Is Deployed on Azure': 'yes',
      'Contract Value': '25000',
      'Contract Currency': 'USD',
      'Contract Term': 'Perpetual',
      'Contract Sign Date': '10/12/2022',
      'Contract Start Date': '10/12/2022',
      'Solution Value': '12354.0',
      'Solution Currency': 'USD',
      'Primary Deployment On': 'Customer',
      'Pricing Model': 'Pay as you go',
      'Action Required Date': '10/12/2022',
    })
    expect(row.problems).toEqual([])
    expect(row.referral).toEqual({
      id,
      registrationStatus: 'ActionRequired',
      registrations: [
        {
          registrationDateTime: '2022-10-22T00:00:00Z',
          type: 'AzureIPCoSell',
          status: 'ActionRequired',
          contract: {
            value: '25000',
            currency: 'USD',
            term: 'Perpetual',
            signDateTime: '2022-10-12T00:00:00Z',
            startDateTime: '2022-10-12T00:00:00Z',
          },
          solutionDetails: [
            {
              value: '12354',
              currency: 'USD',
              isDeployedOnAzure: true,
              primaryDeploymentOn: 'Customer',
              pricingModel: 'PayAsYouGo',
              marketplaceTransactionDetails: {
                isMarketplaceTransacted: true,
                marketplaceTransactionDateTime: '2022-09-30T00:00:00Z',
              },
            },
          ],
          statusHistory: { actionRequiredDateTime: '2022-10-12T00:00:00Z' },
        },
      ],
    })
  })
})

describe('a row of Insights', () => {
  test("Microsoft's annual contract value and amounts in USD are exact cells", async () => {
    const row = await only('insights_cosell', {
      'Annual Contract Value': '123,456,789,012,345.6789',
      'Contract Value (USD)': '1.10',
      'Contract Value': '2',
      'Microsoft Referral Creation Date': '1/30/2023',
    })
    expect(row.cells).toMatchObject({
      'Annual Contract Value': '123456789012345.6789',
      'Contract Value (USD)': '1.1',
      'Microsoft Referral Creation Date': '2023-01-30',
    })
    expect(row.referral).toEqual({ id, registrations: [{ contract: { value: '2' } }] })
  })

  test('flags alone are no registration', async () => {
    const row = await only('insights_cosell', {
      'Is Marketplace Transacted Deal': 'No',
      'Contract Currency': 'USD',
      'Deployed On': 'Others',
    })
    expect(row.referral).toEqual({ id })
    expect(row.cells).toMatchObject({ 'Deployed On': 'No' })
  })

  test.each([
    ['Closed', 'Won', { status: 'Closed', substatus: 'Won' }],
    ['Won', '', { status: 'Closed', substatus: 'Won' }],
    ['Accepted', 'fine', { status: 'Active', substatus: 'Accepted', statusReason: 'fine' }],
    ['Closed', 'too dear', { status: 'Closed', statusReason: 'too dear' }],
    ['Active', 'Won', { status: 'Active', statusReason: 'Won' }],
    ['Parked', '', { status: 'Parked' }],
  ])('status %s with reason %j is %j', async (status, reason, expected) => {
    const row = await only('insights_leads', { Status: status, 'Status Reason': reason })
    expect(row.referral).toEqual({ id, ...expected })
  })

  test('lists of ids and names become items, and an only name keeps its commas', async () => {
    const two = await only('insights_leads', { 'Offer ID': 'o-1, o-2', 'Offer name': 'One,Two' })
    const one = await only('insights_cosell', { 'Solution ID': 's-1', 'Solution Name': 'A, B' })
    expect(two.referral).toMatchObject({
      details: {
        requirements: {
          offers: [
            { id: 'o-1', name: 'One' },
            { id: 'o-2', name: 'Two' },
          ],
        },
      },
    })
    expect(one.referral).toMatchObject({
      details: { requirements: { solutions: [{ id: 's-1', name: 'A, B' }] } },
    })
  })

  test('an empty value of a list keeps the places of the others', async () => {
    const row = await only('insights_leads', { 'Offer ID': 'o-1,,o-3', 'Offer name': ', Two,' })
    expect(row.problems).toEqual([])
    expect(row.referral).toMatchObject({
      details: { requirements: { offers: [{ id: 'o-1' }, { name: 'Two' }, { id: 'o-3' }] } },
    })
  })

  test('a list of names that does not fit the ids is reported and left out', async () => {
    const row = await only('insights_leads', { 'Offer ID': 'o-1,o-2', 'Offer name': 'A, B, C' })
    expect(row.referral).toMatchObject({
      details: { requirements: { offers: [{ id: 'o-1' }, { id: 'o-2' }] } },
    })
    expect(row.problems).toMatchObject([{ column: 'Offer name', effect: 'loaded_without_value' }])
  })

  test.each([
    ['insights_leads', 'Lead Type', 'Profile lead', { qualification: 'Direct' }],
    ['insights_leads', 'Lead Type', 'Qualified lead', { qualification: 'MarketingQualified' }],
    ['insights_leads', 'Call to action', 'Get it now', { callToAction: 'GetItNow' }],
    ['insights_cosell', 'Deal Direction', 'incoming', { direction: 'Incoming' }],
    [
      'insights_cosell',
      'Partner Role',
      'Services',
      {
        details: {
          requirements: {
            additionalRequirements: { attributes: [{ type: 'PartnerRole', id: 'Services' }] },
          },
        },
      },
    ],
  ] as const)(
    'a cell of %s in %s, %j, becomes the property of the API',
    async (layout, column, cell, properties) => {
      const row = await only(layout, { [column]: cell })
      expect(row.referral).toEqual({ id, ...properties })
    },
  )

  test.each([
    ['Azure Marketplace', 'AzureMarketplace'],
    ['Appsource', 'AppSource'],
    ['Fair', 'Fair'],
  ])('lead source %s is %s', async (cell, source) => {
    const row = await only('insights_leads', { 'Lead Source': cell })
    expect(row.referral).toMatchObject({ referralSource: source })
  })
})

describe('rows of other lengths than the header', () => {
  const header = documentedHeaders.registrations
  const row = header.map((name) => (name === 'Referral ID' ? id : ''))

  test('empty cells behind the header are ignored, and missing ones are empty', async () => {
    const { rows } = await importBytes(csvBytes([[...header], [...row, '', ' '], [id]]))
    expect(rows.map(({ problems }) => problems)).toEqual([[], []])
  })

  test('a row with cells beyond the header is quarantined, as its cells have moved', async () => {
    const { rows } = await importBytes(csvBytes([[...header], [...row, 'x']]))
    expect(rows[0]?.referral).toBeNull()
    expect(rows[0]?.problems.map(describeProblem)).toEqual([
      'deals.csv:2: expected 24 cells, as in the header, got 25. The row was quarantined; put ' +
        'cells with separators into quotes, then import the file again.',
    ])
  })

  test('a short last row without a line end is quarantined, as the file was cut off', async () => {
    const bytes = csvBytes([[...header], row, [id, '10/12/20']])
    const { rows } = await importBytes(bytes.subarray(0, -2))
    expect(rows.map(({ referral }) => referral === null)).toEqual([false, true])
    expect(rows[1]?.problems).toMatchObject([{ code: 'cut_off', line: 3, column: '' }])
  })

  test('short rows of a tool that leaves out empty cells are loaded, also at the end', async () => {
    const bytes = csvBytes([[...header], [id, '10/13/2022'], [id, '10/14/2022']])
    const { rows } = await importBytes(bytes.subarray(0, -2))
    expect(rows.map(({ problems }) => problems)).toEqual([[], []])
  })
})

describe('the digest of a file', () => {
  test('the digest is the SHA-256 of its bytes', async () => {
    const { file } = await importBytes(
      csvBytes([[...documentedHeaders.insights_leads]], downloaded),
    )
    expect(file.digest).toMatch(/^[0-9a-f]{64}$/)
    expect(file.rows).toBe(0)
  })
})
