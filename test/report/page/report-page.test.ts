import { describe, expect, test } from 'vitest'
import { html, isolated } from '../../../src/report/html.ts'
import { briefChange, differenceOf, nothing } from '../../../src/report/page/amounts.ts'
import { scaleTicks } from '../../../src/report/page/chart.ts'
import {
  countryName,
  exact,
  percent,
  short,
  sumByCurrency,
} from '../../../src/report/page/format.ts'
import { renderReport } from '../../../src/report/page/report-page.ts'
import type { Amounts, ExpiringReferral, ReportData } from '../../../src/report/report-data.ts'
import { aGroup, converted, someReportData } from '../../support/report-data-builder.ts'

describe('format', () => {
  test.each([
    {
      amount: '1234567.8900',
      minorUnit: 2,
      said: '1,234,567.89',
      why: 'superfluous zeros are dropped',
    },
    { amount: '0.1250', minorUnit: 2, said: '0.125', why: 'digits beyond the minor unit stay' },
    { amount: '1500.0000', minorUnit: 0, said: '1,500', why: 'the yen has no decimals' },
    { amount: '1.5', minorUnit: 3, said: '1.500', why: 'the dinar has three decimals' },
    { amount: '-12.5', minorUnit: 2, said: '-12.50', why: 'a credit is negative' },
    { amount: '7', minorUnit: 2, said: '7.00', why: 'two decimals are usual' },
    {
      amount: '9007199254740993.0001',
      minorUnit: 2,
      said: '9,007,199,254,740,993.0001',
      why: 'a double cannot hold these digits',
    },
  ])(
    'exact formats $amount with $minorUnit decimals as $said: $why',
    ({ amount, minorUnit, said }) => {
      expect(exact(amount, minorUnit)).toBe(said)
    },
  )

  test.each([
    ['0', '0'],
    ['999.4', '999'],
    ['1234567.89', '1.23M'],
    ['999950', '1M'],
    ['12345678901.5', '12.3B'],
  ])('short formats %s as %s', (amount, said) => expect(short(amount)).toBe(said))

  test('sumByCurrency adds up amounts of several groups to the last digit', () => {
    const of = (currency_code: string, amount: string, count: number) => ({
      unconverted: [{ currency_code, minor_unit: 2, amount, count }],
    })
    const groups = [
      of('SEK', '9007199254740993.0001', 1),
      of('EUR', '0.5', 2),
      of('SEK', '-0.0002', 3),
    ]
    expect(sumByCurrency(groups)).toEqual([
      { currency_code: 'EUR', minor_unit: 2, amount: '0.5000', count: 2 },
      { currency_code: 'SEK', minor_unit: 2, amount: '9007199254740992.9999', count: 4 },
    ])
  })
})

test('percent shows a dash for a share of zero', () => expect(percent(0, 0)).toBe('–'))

test.each([
  ['DE', 'Germany'],
  ['', '(not given)'],
  ['<b>', '<b>'],
])('countryName of %j is %s', (code, name) => expect(countryName(code)).toBe(name))

test.each([
  [0, [0, 1]],
  [1, [0, 0.25, 0.5, 0.75, 1]],
  [316, [0, 100, 200, 300, 400]],
  [1e18, [0, 2.5e17, 5e17, 7.5e17, 1e18]],
])('scaleTicks up to %d returns %j', (largest, lines) => {
  expect(scaleTicks(largest)).toEqual(lines)
})

const hostileNames = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  `'onmouseover='alert(1)`,
  '</title></style></svg><h1>mine',
  '&lt;b&gt; &amp;',
]

describe('escaping', () => {
  test.each(hostileNames)('renderReport escapes %s', (name) => {
    const page = renderReport(everywhere(name))
    expect(page).not.toContain(name)
    expect(page.match(/<h1/g)).toHaveLength(1)
    expect(page).not.toMatch(/<(script|img)/)
  })

  test('isolated keeps right-to-left text from turning the text around it', () => {
    expect(isolated('\u202Eevil').text).toBe('<bdi>\u202Eevil</bdi>')
  })

  test('html replaces characters that HTML does not allow', () => {
    expect(html`${'a\u0007b\uD800c\u0085'}`.text).toBe('a\uFFFDb\uFFFDc\uFFFD')
  })
})

describe('briefChange', () => {
  const dollars = (sum: string, count = 1) => aGroup('', converted(sum), count)
  const euros = (sum: string, count = 1) => {
    const by_currency = [{ currency_code: 'EUR', minor_unit: 2, count, amount: sum }]
    return aGroup('', { converted: null, unconverted: by_currency, by_currency }, count)
  }
  test.each([
    { later: dollars('5'), earlier: dollars('5.00'), said: 'no change', without: 'no change' },
    { later: dollars('7'), earlier: dollars('5'), said: '±0 deals, +USD 2', without: '±0 deals' },
    { later: euros('7'), earlier: euros('5'), said: '±0 deals', without: '±0 deals' },
    { later: euros('7', 2), earlier: euros('5'), said: '+1 deal', without: '+1 deal' },
    { later: nothing, earlier: dollars('5', 2), said: '−2 deals, −USD 5', without: '−2 deals' },
  ])('briefChange says $said, and without rates $without', ({ later, earlier, said, without }) => {
    const by = (isConverted: boolean) =>
      briefChange(
        { currency: 'USD', minorUnit: 2, isConverted },
        differenceOf(later, earlier),
        'deals',
      )
    expect([by(true), by(false)]).toEqual([said, without])
  })
})

test('the footer of a report of a past day names what it shows as of now', () => {
  const page = renderReport(someReportData({ is_as_of: true, day: '2026-03-31' }))
  for (const named of ['solutions and countries', 'in force on earlier days', 'freshness']) {
    expect(page).toContain(named)
  }
  expect(renderReport(someReportData())).not.toContain('in force on earlier days')
})

test('renderReport shows a name of 300 characters in full', () => {
  const name = 'Ünïcode '.repeat(38).trim()
  expect(renderReport(everywhere(name))).toContain(name)
})

test('renderReport makes a page without requests and scripts', () => {
  const page = renderReport(someReportData())
  expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline';`)
  expect(page).not.toMatch(/<script|<link|<img|\bsrc=|url\(|https?:|@import/)
})

test('renderReport makes the same page from the same data', () => {
  expect(renderReport(someReportData())).toBe(renderReport(structuredClone(someReportData())))
})

test('renderReport shows only a notice for an empty warehouse', () => {
  const page = renderReport(someReportData({ accounts: [] }))
  expect(page).toContain('The warehouse is empty')
  expect(page).not.toMatch(/<h2|<figure|USD/)
})

test('renderReport shows a sum beyond doubles to its last digit', () => {
  const open = aGroup('', converted('12345678901234567890.12'), 3)
  const page = renderReport(someReportData({ headline: { ...someReportData().headline, open } }))
  expect(page).toContain('12,345,678,901,234,567,890.12')
})

const partly: Amounts = {
  converted: '100.00',
  unconverted: [{ currency_code: 'SEK', minor_unit: 2, count: 2, amount: '70.5000' }],
  by_currency: [
    { currency_code: 'SEK', minor_unit: 2, count: 2, amount: '70.5000' },
    { currency_code: 'USD', minor_unit: 2, count: 1, amount: '100.0000' },
  ],
}

test('renderReport names amounts without a rate and leaves them out of sums', () => {
  const text = textOf(renderReport(someReportData({ stages: [aGroup('New', partly, 3)] })))
  expect(text).toContain('Not included, no exchange rate: 2 amounts, SEK 70.50 (2).')
  expect(text).toMatch(/New 3 100\.00 \+ SEK 70\.50/)
})

test('renderReport shows amounts by currency and numbers as bars when no rates are loaded', () => {
  const { headline } = someReportData()
  const open = aGroup('', partly, 3)
  const text = textOf(
    renderReport(someReportData({ is_converted: false, headline: { ...headline, open } })),
  )
  expect(text).toContain('No exchange rates are loaded')
  expect(text).toContain('Open pipeline 3 deals')
  expect(text).toMatch(/SEK 70\.50 – – –/)
  expect(text).not.toContain('Value, USD')
})

test.each([
  { hours: 26, warned: false },
  { hours: 26.1, warned: true },
  { hours: null, warned: true },
])('renderReport of an account published $hours hours ago warns: $warned', ({ hours, warned }) => {
  const [account] = someReportData().accounts
  const accounts = account ? [{ ...account, age_hours: hours }] : []
  expect(renderReport(someReportData({ accounts })).includes('Warning: account')).toBe(warned)
})

test('renderReport names the account of a row when there are several', () => {
  const [account] = someReportData().accounts
  const accounts = account ? [account, { ...account, account: 'fabrikam' }] : []
  const of = (name: string) => ({ ...expiringReferral('Deal'), account: name })
  const expiring = { ...someReportData().expiring, referrals: [of('contoso'), of('fabrikam')] }
  const text = textOf(renderReport(someReportData({ accounts, expiring })))
  expect(text).toContain('2 accounts: contoso , fabrikam')
  expect(text).toMatch(/Active · fabrikam/)
})

test("the section on Microsoft's ACV shows reasons and conventions, and only with a download", () => {
  expect(renderReport(someReportData())).not.toContain('Microsoft')
  const page = renderReport(
    someReportData({
      microsoft_acv: {
        as_of_date: '2026-06-30',
        figure_count: 41,
        agreeing_count: 30,
        reasons: [{ reason: 'term shorter than a year', registration_count: 9 }],
        conventions: [
          {
            convention_name: 'months, end included',
            registration_count: 41,
            reproduced_count: 40,
            telling_count: 35,
            is_ours: false,
          },
        ],
      },
    }),
  )
  const text = textOf(page)
  expect(text).toContain('30 of 41 values in the Insights downloads of 2026-06-30 agree with ours')
  expect(text).toMatch(/term shorter than a year 9/)
  expect(text).toMatch(/months, end included 40 98% 35/)
})

/** Returns report data with the name in place of every text. */
function everywhere(name: string): ReportData {
  const base = someReportData()
  const [account] = base.accounts
  return someReportData({
    reporting_currency: name,
    accounts: account ? [{ ...account, account: name, age_hours: 99 }] : [],
    findings: [{ account: name, rule_code: name, severity: name, finding_count: 1 }],
    stages: [aGroup(name, { ...partly, unconverted: [{ ...named, currency_code: name }] })],
    month_ends: [{ period: '2026-05-31', ...aGroup(name) }],
    won_by_quarter: [aGroup(name)],
    registrations: base.registrations.map((group) => ({ ...group, label: name })),
    expiring: { ...base.expiring, referrals: [expiringReferral(name)] },
    solutions: { groups: [aGroup(name)], label_count: 1 },
    countries: { groups: [aGroup(name)], label_count: 1 },
    microsoft_acv: {
      as_of_date: null,
      figure_count: 1,
      agreeing_count: 0,
      reasons: [{ reason: name, registration_count: 1 }],
      conventions: [
        {
          convention_name: name,
          registration_count: 1,
          reproduced_count: 1,
          telling_count: 1,
          is_ours: true,
        },
      ],
    },
  })
}

const named = { currency_code: '', minor_unit: 2, count: 1, amount: '1.0000' }

function expiringReferral(name: string): ExpiringReferral {
  return {
    account: 'contoso',
    referral_id: 'r-1',
    referral_name: name,
    stage_label: 'Active',
    expiration_date: '2026-07-04',
    days_left: 3,
    amount: '10.0000',
    currency_code: 'EUR',
    minor_unit: 2,
  }
}

function textOf(page: string): string {
  return page.replace(/<style>[\s\S]*?<\/style>|<[^>]*>/g, ' ').replace(/\s+/g, ' ')
}

test('a stage has one colour in the pipeline of today, in the legend and at month ends', () => {
  const monthEnd = (label: string, count: number) => ({
    period: '2026-05-31',
    ...aGroup(label, { ...partly, converted: '10.00' }, count),
  })
  const page = renderReport(
    someReportData({
      stages: ['New', 'Active', 'Parked'].map((label) => aGroup(label, partly, 1)),
      month_ends: [monthEnd('New', 2), monthEnd('Active', 9)],
    }),
  )
  const figureOf = (id: string) =>
    page.slice(page.indexOf(`<figure aria-labelledby="${id}"`)).split('</figure>', 1)[0] ?? ''
  const colours = (text: string, pattern: RegExp) =>
    Object.fromEntries([...text.matchAll(pattern)].map(([, one = '', other = '']) => [one, other]))
  const bars = colours(
    figureOf('stages'),
    /class="name"><bdi>(\w+)<\/bdi><\/span><svg class="bar"[^>]*><rect class="(s\d)"/g,
  )
  expect(bars).toEqual({ Active: 's0', New: 's1', Parked: 's2' })
  const legend = colours(figureOf('course'), /<rect class="(s\d)"[^>]*\/><\/svg>(\w+)<\/li>/g)
  expect(legend).toEqual({ s0: 'Active', s1: 'New' })
  const layers = colours(figureOf('course'), /<rect class="(s\d)"[^>]*><title>2026-05-31, (\w+):/g)
  expect(layers).toEqual({ s0: 'Active', s1: 'New' })
})
