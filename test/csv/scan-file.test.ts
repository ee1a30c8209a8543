import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { encode, importBytes } from '../support/csv-files.ts'
import { documentedHeaders } from '../support/csv-headers.ts'

const id = 'f7eaae47-0b84-4ac4-b4ea-5b2587d42cee'
const header = documentedHeaders.registrations
const names = ['Referral ID', 'Contract Sign Date', 'Contract Value', 'Solution Value']

/** A file of registrations whose rows give these four columns. */
function file(separator: string, ...rows: readonly (readonly string[])[]): string {
  const lines = rows.map((row) =>
    header.map((name) => row[names.indexOf(name)] ?? '').join(separator),
  )
  return [header.join(separator), ...lines, ''].join('\r\n')
}

const scan = (text: string, dateOrder?: 'mdy' | 'dmy') =>
  importBytes(Buffer.from(text), { dateOrder })

async function refusal(text: string): Promise<{ message: string; exitCode: number }> {
  return await scan(text).then(
    () => Promise.reject(new Error('the file was read')),
    (error) => error,
  )
}

describe('the order of dates', () => {
  test('one date that proves the order decides for all columns of a file', async () => {
    const rows = [
      [id, '03/04/2023'],
      [id, '13/04/2023'],
    ]
    const { rows: read, file: scanned } = await scan(file(',', ...rows))
    expect(read.map(({ cells }) => cells['Contract Sign Date'])).toEqual([
      '2023-04-03',
      '2023-04-13',
    ])
    expect(scanned.notices).toEqual([])
  })

  test('dates that prove nothing are read as documented, and a notice says so', async () => {
    const { rows, file: scanned } = await scan(file(',', [id, '03/04/2023']))
    expect(rows[0]?.cells['Contract Sign Date']).toBe('2023-03-04')
    expect(scanned.notices).toEqual([
      'deals.csv: no date proves the order of day and month. 1 were read as documented, ' +
        'month/day/year; give --date-order dmy if they are day/month/year.',
    ])
  })

  test('a file that proves both orders is refused with both cells', async () => {
    const { message, exitCode } = await refusal(file(',', [id, '13/04/2023'], [id, '04/13/2023']))
    expect(exitCode).toBe(65)
    expect(message).toBe(
      'deals.csv: expected dates in one order, got month/day/year in line 3 Contract Sign Date ' +
        '("04/13/2023") and day/month/year in line 2 Contract Sign Date ("13/04/2023"). Nothing ' +
        'was loaded; correct one of them or give --date-order, then run again.',
    )
  })

  test('a file that a spreadsheet half turned round is refused: 1/30/2020 stays, 1/3/2020 is 01.03.2020', async () => {
    const { exitCode } = await refusal(file(';', [id, '1/30/2020'], [id, '01.03.2020']))
    expect(exitCode).toBe(65)
  })

  test('a forced order decides, and a date in the other one is a bad cell', async () => {
    const { rows } = await scan(file(',', [id, '13/04/2023'], [id, '04/13/2023']), 'mdy')
    expect(rows.map(({ cells }) => cells['Contract Sign Date'])).toEqual([undefined, '2023-04-13'])
    expect(rows[0]?.problems).toMatchObject([{ column: 'Contract Sign Date', line: 2 }])
  })
})

describe('the decimal sign of amounts', () => {
  test('each column decides for itself, and one that proves nothing follows the others', async () => {
    const rows = [
      [id, '', '1.234', '1.234'],
      [id, '', '2.345', '1.234,5'],
    ]
    const { rows: read, file: scanned } = await scan(file(';', ...rows))
    expect(read.map(({ cells }) => [cells['Contract Value'], cells['Solution Value']])).toEqual([
      ['1234', '1234'],
      ['2345', '1234.5'],
    ])
    expect(scanned.notices).toEqual([
      'deals.csv: no amount of Contract Value proves its decimal sign. 2 were read with a ' +
        'decimal comma, as other columns have it.',
    ])
  })

  test.each([
    [',', '1234'],
    [';', '1.234'],
  ])('an amount 1,234 without proof in a file separated by %j is %s', async (separator, value) => {
    const cell = separator === ',' ? '"1,234"' : '1,234'
    const { rows, file: scanned } = await scan(file(separator, [id, '', cell]))
    expect(rows[0]?.cells['Contract Value']).toBe(value)
    expect(scanned.notices).toEqual([expect.stringContaining('proves its decimal sign')])
  })

  test('a column that proves both signs is refused with both cells', async () => {
    const { message, exitCode } = await refusal(file(';', [id, '', '1,5'], [id, '', '1.5']))
    expect(exitCode).toBe(65)
    expect(message).toContain('a decimal point in line 3 Contract Value ("1.5")')
    expect(message).toContain('a decimal comma in line 2 Contract Value ("1,5")')
  })
})

describe('the text of a file', () => {
  test('a line sep=; of Excel is no header', async () => {
    const { file: scanned, rows } = await scan(`sep=;\r\n${file(';', [id])}`)
    expect(scanned.separator).toBe(';')
    expect(rows).toMatchObject([{ line: 3, referralId: id }])
  })

  test('empty lines before the header, between rows and at the end are left out', async () => {
    const text = `\n\n${header.join(',')}\n\n${id}${','.repeat(23)}\n\n,,,\n${id}\n\n\n`
    const { rows } = await scan(text)
    expect(rows.map(({ line }) => line)).toEqual([5, 8])
  })

  test('blanks around quotes belong to no cell', async () => {
    const { rows } = await scan(`${header.join(',')}\n "${id}" , "1/30/2020" ,x\n`)
    expect(rows[0]?.cells).toMatchObject({ 'Registration Date': '2020-01-30' })
  })

  test('line ends of three kinds may be mixed', async () => {
    const { rows } = await scan(`${header.join(',')}\r${id},"1/30/\r\n2020"\n${id}\r\n${id}`)
    expect(rows.map(({ line }) => line)).toEqual([2, 4, 5])
  })

  test.each([
    ['that is never closed', `${header.join(',')}\n${id},"x\n${id}\n`, 2],
    ['behind text', `${header.join(',')}\n${id}\n${id},x"y"\n`, 3],
    ['before text', `${header.join(',')}\n${id},"a\nb"\n${id},"x"y\n`, 4],
  ])('a quote %s is refused with the line of its row', async (_what, text, line) => {
    const { message, exitCode } = await refusal(text)
    expect(message).toMatch(
      new RegExp(`^deals\\.csv:${line}: expected cells of CSV text, got a quote`),
    )
    expect(exitCode).toBe(65)
  })

  test('a quote that is never closed takes no more memory than the longest row', async () => {
    const text = `${header.join(',')}\n${id},"${'x'.repeat(6_000_000)}`
    expect((await refusal(text)).message).toContain('a quote that is never closed')
  })

  test('the digest is the SHA-256 of the bytes, whatever they decode to', async () => {
    const bytes = encode(file(',', [id]), 'utf-16le-bom')
    const { file: scanned } = await importBytes(bytes, {}, 5)
    expect(scanned.digest).toBe(createHash('sha256').update(bytes).digest('hex'))
  })
})

describe('an unknown header', () => {
  test('missing, extra and misspelt columns are named with the nearest layout', async () => {
    const text = file(',', [id])
      .replace('Contract Sign Date', 'Contract Singed Date')
      .replace('Passed Date,', '')
      .replace('Errors', 'Owner')
    expect(await refusal(text)).toMatchObject({
      exitCode: 65,
      message:
        'deals.csv:1: expected the header of a Partner Center file (co-sell opportunities (2023), ' +
        'co-sell opportunities (2021), Azure IP co-sell deal registrations, Insights co-sell ' +
        'download, Insights leads download), got one that is nearest to Azure IP co-sell deal ' +
        'registrations; missing: "Passed Date"; extra: "Owner"; misspelt: "Contract Singed Date" ' +
        'for Contract Sign Date. Nothing was loaded; correct the header line or download the ' +
        'file again, then run again.',
    })
  })

  test('a first line that is a row is not shown, as it may name people', async () => {
    const { message } = await refusal(`Ann,Example,ann@example.com,${id}\nBob,Example,x,y\n`)
    expect(message).toContain('got another line')
    expect(message).not.toMatch(/Ann|Example|ann@/)
  })

  test.each([
    ['without a byte', ''],
    ['of line ends', '\r\n\r\n'],
    ['of separators', ',,\n,,\n'],
  ])('a file %s is refused', async (_what, text) => {
    expect((await refusal(text)).message).toContain('got nothing')
  })

  test('lines that a spreadsheet did not split are recognised as such', async () => {
    const text = `"${header.join(',')}"\r\n"${id},10/12/2022"\r\n`
    expect((await refusal(text)).message).toContain('the whole line is one quoted cell')
  })
})
