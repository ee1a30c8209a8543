import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parseRateFile } from '../../src/exchange-rates/parse-file.ts'
import type { Quotes } from '../../src/exchange-rates/quotes.ts'
import { failureOf } from '../support/with-pipeline.ts'

const options = { name: 'rates.csv', reportingCurrency: 'USD', dayMax: '2026-03-10' }

const read = (text: string, reportingCurrency = 'USD'): Promise<Quotes> =>
  parseRateFile(Readable.from([Buffer.from(text)]), { ...options, reportingCurrency })

const fixture = (name: string): Promise<Quotes> => {
  const path = fileURLToPath(new URL(`../fixtures/rates/${name}`, import.meta.url))
  return parseRateFile(createReadStream(path, { highWaterMark: 7 }), options)
}

test('parseRateFile reads the ECB history as units of each currency for one euro, without N/A', async () => {
  const { source, base, quotes } = await fixture('ecb_history_invented.csv')
  expect({ source, base, count: quotes.length }).toEqual({ source: 'ECB', base: 'EUR', count: 18 })
  expect(quotes[1]).toEqual({
    currency: 'JPY',
    date: '2026-03-09',
    baseUnits: '1',
    currencyUnits: '160.00',
    line: expect.any(Number),
  })
  expect(quotes.filter((quote) => quote.currency === 'SEK').map((quote) => quote.date)).toEqual([
    '2026-03-06',
    '2026-03-05',
    '2026-02-02',
    '1999-12-31',
  ])
})

test('parseRateFile reads a plain file as units of the reporting currency for one of each', async () => {
  expect(await fixture('bom_crlf_plain.csv')).toEqual({
    source: 'manual',
    base: 'USD',
    quotes: [
      { currency: 'GBP', date: '2026-03-06', baseUnits: '1.5', currencyUnits: '1', line: 2 },
      { currency: 'EUR', date: '2026-03-06', baseUnits: '1.25', currencyUnits: '1', line: 3 },
    ],
  })
})

test.each([
  ['columns in another order', 'date,rate,currency\n2026-01-02,1.5,GBP\n'],
  ['blanks around values', 'currency, date, rate\nGBP , 2026-01-02 , 1.5\n'],
  ['empty lines', 'currency,date,rate\n\nGBP,2026-01-02,1.5\n\n'],
  ['no line end after the last line', 'currency,date,rate\nGBP,2026-01-02,1.5'],
  [
    'the same line twice, written differently',
    'currency,date,rate\nGBP,2026-01-02,1.5\nGBP,2026-01-02,01.50\n',
  ],
])('parseRateFile accepts a plain file with %s', async (_, text) => {
  const { quotes } = await read(text)
  expect(quotes).toMatchObject([
    { currency: 'GBP', date: '2026-01-02', baseUnits: '1.5', currencyUnits: '1' },
  ])
})

test('parseRateFile accepts an ECB history without trailing commas', async () => {
  const { quotes } = await read('date,usd,gbp\n2026-01-02,1.1,0.8\n', 'EUR')
  expect(quotes).toHaveLength(2)
})

test.each([
  ['06 February 2026', '2026-02-06'],
  ['6 Feb 2026', '2026-02-06'],
  ['30 October 2025', '2025-10-30'],
])("parseRateFile reads the ECB's daily file, dated %s", async (written, date) => {
  const { source, base, quotes } = await read(
    `Date, USD, JPY, CZK, \n${written}, 1.1794, 185.27, 24.240, \n`,
  )
  expect([source, base]).toEqual(['ECB', 'EUR'])
  expect(quotes.map((quote) => [quote.currency, quote.date, quote.currencyUnits])).toEqual([
    ['USD', date, '1.1794'],
    ['JPY', date, '185.27'],
    ['CZK', date, '24.240'],
  ])
})

const portalHeader =
  'KEY,FREQ,CURRENCY,CURRENCY_DENOM,EXR_TYPE,EXR_SUFFIX,TIME_PERIOD,OBS_VALUE,OBS_STATUS,TITLE\n'

test("parseRateFile reads series of the ECB's data portal, each day or month a line", async () => {
  const { source, base, quotes } = await read(
    portalHeader +
      'EXR.D.PLN.EUR.SP00.A,D,PLN,EUR,SP00,A,2026-03-06,4.2983,A,"Polish zloty, in euro"\n' +
      'EXR.D.PLN.EUR.SP00.A,D,PLN,EUR,SP00,A,2026-03-08,,H,"Polish zloty, in euro"\n' +
      'EXR.D.USD.EUR.SP00.A,D,USD,EUR,SP00,A,2026-03-08,NaN,H,US dollar\n' +
      'EXR.M.NOK.EUR.SP00.A,M,NOK,EUR,SP00,A,2026-02,11.5,A,Krone\n',
  )
  expect([source, base]).toEqual(['ECB', 'EUR'])
  expect(quotes).toEqual([
    { currency: 'PLN', date: '2026-03-06', baseUnits: '1', currencyUnits: '4.2983', line: 2 },
    { currency: 'NOK', date: '2026-02-01', baseUnits: '1', currencyUnits: '11.5', line: 5 },
  ])
})

test("parseRateFile reads a download of the data portal's pages, a column a series", async () => {
  const { base, quotes } = await read(
    'DATE,TIME PERIOD,"Polish zloty/Euro (EXR.D.PLN.EUR.SP00.A)","US dollar/Euro (EXR.D.USD.EUR.SP00.A)"\n' +
      '2026-03-05,05 Mar 2026,4.3,-\n2026-03-06,06 Mar 2026,4.2983,1.18\n',
  )
  expect(base).toBe('EUR')
  expect(quotes.map(({ currency, date, line }) => `${currency} ${date} ${line}`)).toEqual([
    'PLN 2026-03-05 2',
    'PLN 2026-03-06 3',
    'USD 2026-03-06 3',
  ])
})

test('parseRateFile reads 17 digits of a monthly rate as two units whose quotient is the rate', async () => {
  const { quotes } = await read(
    '"currency","date","rate"\n"AED","2025-01-01","0.27224589249009701"\n"GBP","2025-01","1.25000000000000000"\n',
  )
  expect(quotes).toMatchObject([
    { currency: 'AED', baseUnits: '27.224589249009701', currencyUnits: '100' },
    { currency: 'GBP', date: '2025-01-01', baseUnits: '1.25000000000000000', currencyUnits: '1' },
  ])
})

test('parseRateFile reads line ends that differ from line to line, and counts the lines', async () => {
  const mixed =
    'currency,date,rate\r\nGBP,2026-01-02,1.5\nEUR,2026-01-02,1.1\rJPY,2026-01-02,0.0067\r\n\r\n' +
    'CHF,2026-01-02,1.2'
  const { quotes } = await read(mixed)
  expect(quotes.map(({ currency, line }) => [currency, line])).toEqual([
    ['GBP', 2],
    ['EUR', 3],
    ['JPY', 4],
    ['CHF', 6],
  ])
})

const idr = (...lines: string[]) => ['currency,date,rate', ...lines, ''].join('\n')

test.each([
  ['of the next day', idr('IDR,2025-01-01,0.0000612345', 'IDR,2025-01-02,16250'), 3],
  [
    'of a month before, further down',
    idr('IDR,2025-02-01,16250', 'GBP,2025-02-01,1.2', 'IDR,2025-01-01,0.0000612345'),
    2,
  ],
  ['that is a hundredth', idr('SEK,2025-01-01,10', 'SEK,2025-01-02,0.1'), 3],
  ['of the ECB', 'Date,USD,JPY\n2025-01-03,1.1,0.0062\n2025-01-02,1.1,160\n', 2],
])('parseRateFile rejects a rate turned round, %s, with its line', async (_, text, line) => {
  const failure = await failureOf(read(text))
  expect(failure).toMatchObject({ code: 'rates.invalid', exitCode: 65 })
  expect(failure.message).toContain(`rates.csv:${line}: expected a rate of `)
  expect(failure.message).toContain('one of the two turned round')
})

test.each([
  ['ninety-nine times the last one', idr('SEK,2025-01-01,0.1', 'SEK,2025-01-02,9.9')],
  ['a hundred times the one of a year before', idr('VES,2024-01-01,1', 'VES,2025-01-02,100')],
])('parseRateFile accepts a rate of %s', async (_, text) => {
  expect((await read(text)).quotes).toHaveLength(2)
})

test.each([
  ['an empty file', '', 1, 'the header of the ECB', '"nothing"'],
  ['another header', 'day,code,value\n', 1, 'the header of the ECB', '"day,code,value"'],
  ['a header alone', 'currency,date,rate\n', 1, 'rates below the header', '"none"'],
  [
    'a currency of two letters',
    'currency,date,rate\nGB,2026-01-02,1\n',
    2,
    'three letters',
    '"GB"',
  ],
  ['a column without a code', 'Date,USD,U$\n', 1, 'three letters', '"U$"'],
  ['a column twice', 'Date,USD,GBP,USD\n', 1, 'each currency once', '"USD"'],
  ['a column for the euro', 'Date,USD,EUR\n', 1, 'no column EUR', '"EUR"'],
  ['no reporting currency', 'Date,JPY,GBP,\n', 1, 'a column USD', '"JPY,GBP"'],
  [
    'a reporting currency without a rate',
    'Date,USD,GBP,\n2026-01-02,N/A,0.8,\n',
    1,
    'a rate of USD',
    '"none"',
  ],
  ['a rate of zero', 'currency,date,rate\nGBP,2026-01-02,0.00\n', 2, 'above zero', '"0.00"'],
  [
    'a series of the end of a month',
    `${portalHeader}X,M,PLN,EUR,SP00,E,2026-02,4.3,A,x\n`,
    2,
    'a series of spot rates',
    '"M.PLN.EUR.SP00.E"',
  ],
  [
    'a series for one dollar',
    `${portalHeader}X,D,PLN,USD,SP00,A,2026-02-02,4.3,A,x\n`,
    2,
    'for one euro',
    '"D.PLN.USD.SP00.A"',
  ],
  ['a negative rate', 'Date,USD,\n2026-01-02,-1.1,\n', 2, 'for USD', '"-1.1"'],
  ['an exponent', 'currency,date,rate\nGBP,2026-01-02,1e3\n', 2, 'plain decimal', '"1e3"'],
  ['a decimal comma', 'currency,date,rate\nGBP,2026-01-02,"1,5"\n', 2, 'plain decimal', '"1,5"'],
  ['30 February', 'currency,date,rate\nGBP,2026-02-30,1\n', 2, 'YYYY-MM-DD', '"2026-02-30"'],
  ['another date format', 'Date,USD\n\n09/03/2026,1.1\n', 3, 'YYYY-MM-DD', '"09/03/2026"'],
  ['a day before the euro', 'Date,USD\n1998-12-31,1.1\n', 2, 'from 1999-01-01', '"1998-12-31"'],
  ['a day in the future', 'Date,USD\n2026-03-11,1.1\n', 2, 'to 2026-03-10', '"2026-03-11"'],
  ['a short line', 'Date,USD,GBP,\n2026-01-02,1.1\n', 2, '3 values', '"2 values"'],
  ['a long line', 'currency,date,rate\nGBP,2026-01-02,1,5\n', 2, '3 values', '"4 values"'],
  [
    'two lines that disagree',
    'currency,date,rate\nGBP,2026-01-02,1.5\nEUR,2026-01-02,1\nGBP,2026-01-02,1.6\n',
    4,
    'the 1.5 of line 2',
    '"1.6"',
  ],
  [
    'two lines of one day that disagree',
    'Date,USD,\n2026-01-02,1.5,\n2026-01-02,1.6,\n',
    3,
    'the 1.5 of line 2',
    '"1.6"',
  ],
  [
    'the reporting currency at another rate than 1',
    'currency,date,rate\nUSD,2026-01-02,1.1\n',
    2,
    '1 for USD',
    '"1.1"',
  ],
])(
  'parseRateFile reports %s with its line, the expected and the actual text',
  async (_, text, line, expected, got) => {
    const failure = await failureOf(read(text))
    expect(failure).toMatchObject({ kind: 'checkFailed', code: 'rates.invalid', exitCode: 65 })
    expect(failure.message).toContain(`rates.csv:${line}: expected `)
    expect(failure.message).toContain(expected)
    expect(failure.message).toContain(`got ${got}.`)
  },
)

test('parseRateFile rejects text that is not CSV, and an endless line', async () => {
  expect(await failureOf(read('currency,date,rate\n"GBP,2026-01-02,1\n'))).toMatchObject({
    kind: 'checkFailed',
  })
  expect(await failureOf(read('x'.repeat(100_000)))).toMatchObject({ kind: 'checkFailed' })
})

test('parseRateFile rejects the zip archive of the ECB and asks to unzip it', async () => {
  const failure = await failureOf(read('PK\u0003\u0004rest'))
  expect(failure).toMatchObject({ kind: 'usage', code: 'rates.archive' })
  expect(failure.message).toContain('Unzip it')
})
