import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ImportedRow } from '../../src/csv/read-rows.ts'
import { csvBytes, type Dialect, importBytes } from '../support/csv-files.ts'
import { documentedHeaders } from '../support/csv-headers.ts'

/** What a row says, before anybody wrote it down. */
interface Deal {
  readonly id: string
  readonly name: string
  readonly customer: string
  readonly notes: string
  readonly closing: string
  readonly value: string
  readonly isShared: boolean
  readonly solutions: readonly { id: string; price: string }[]
  readonly people: readonly { firstName: string; lastName: string; email: string }[]
}

/** How a spreadsheet writes the file, beyond what `Dialect` says. */
interface Writing {
  readonly dialect: Dialect
  readonly date: (day: string) => string
  readonly amount: (amount: string) => string
  readonly flag: (flag: boolean) => string
  readonly order: number
  readonly emptyColumns: number
  readonly emptyLines: number
  readonly groupsFirst: boolean
  readonly chunkBytes: number
}

const text = fc
  .string({ unit: fc.constantFrom(...'aZ9 ÄéŸ€’;,"\t\n-'), minLength: 1, maxLength: 12 })
  // Some pairs of Windows-1252 are one letter of UTF-8, as no reader can know.
  .map((it) => `x${it.replace(/[Äé](?=[€’Ÿ])/g, '$&a')}x`)
const word = fc.string({ unit: fc.constantFrom(...'abÖ'), minLength: 1, maxLength: 5 })
const uuid = fc.uuid()
const amount = fc
  .tuple(fc.integer({ min: 0, max: 99_999_999 }), fc.constantFrom('', '.5', '.25', '.125'))
  .map(([whole, decimals]) => `${whole}${decimals}`)
const day = fc
  .integer({ min: 0, max: 36_000 })
  .map((days) => new Date(Date.UTC(2000, 0, 1 + days)).toISOString().slice(0, 10))
const solution = fc.record({ id: fc.constantFrom('SOL-1', 'SOL-22-ABC', 'sol.3'), price: amount })
const person = fc.record({
  firstName: word,
  lastName: word,
  email: word.map(() => 'bob@example.com'),
})
const deal: fc.Arbitrary<Deal> = fc.record({
  id: uuid,
  name: text,
  customer: text,
  notes: text,
  closing: day,
  value: amount,
  isShared: fc.boolean(),
  solutions: fc.array(solution, { maxLength: 3 }),
  people: fc.array(person, { maxLength: 3 }),
})

/** Deals of which one proves the order of dates and the decimal sign. */
const deals = fc.tuple(fc.array(deal, { maxLength: 8 }), deal).map(([others, one]) => {
  const proof: Deal = { ...one, closing: '2023-12-25', value: '1234.5' }
  return [...others, proof]
})

const [pad, bare] = [(part: string) => part, (part: string) => `${Number(part)}`]
const ordered =
  (sign: string, order: 'mdy' | 'dmy' | 'ymd', part: (digits: string) => string) =>
  (iso: string) => {
    const [year = '', month = '', date = ''] = iso.split('-')
    if (order === 'ymd') return iso
    const parts = order === 'mdy' ? [part(month), part(date)] : [part(date), part(month)]
    return [...parts, year].join(sign)
  }
const grouped = (whole: string, sign: string) => whole.replace(/\B(?=(\d{3})+$)/g, sign)
const written = (decimal: string, group: string) => (plain: string) => {
  const [whole = '', decimals] = plain.split('.')
  return `${grouped(whole, group)}${decimals === undefined ? '' : decimal + decimals}`
}

const writing: fc.Arbitrary<Writing> = fc.record({
  dialect: fc.record<Dialect>({
    encoding: fc.constantFrom('utf-8', 'utf-8-bom', 'utf-16le', 'utf-16le-bom', 'windows-1252'),
    separator: fc.constantFrom(',', ';', '\t'),
    lineEnd: fc.constantFrom('\r\n', '\n', '\r'),
    quotes: fc.constantFrom('where needed', 'always'),
  }),
  date: fc.constantFrom(
    ordered('/', 'mdy', bare),
    ordered('/', 'mdy', pad),
    ordered('/', 'dmy', pad),
    ordered('.', 'dmy', bare),
    ordered('-', 'dmy', pad),
    ordered('-', 'ymd', pad),
  ),
  amount: fc.constantFrom(
    written('.', ''),
    written('.', ','),
    written(',', ''),
    written(',', '.'),
    written(',', '\u00a0'),
  ),
  flag: fc.constantFrom(
    (flag: boolean) => (flag ? 'Yes' : 'No'),
    (flag: boolean) => (flag ? 'WAHR' : 'FALSCH'),
    (flag: boolean) => (flag ? 'true' : 'false'),
  ),
  order: fc.nat(1_000),
  emptyColumns: fc.nat(2),
  emptyLines: fc.nat(3),
  groupsFirst: fc.boolean(),
  chunkBytes: fc.constantFrom(1, 2, 3, 7, 64, 65_536),
})

const single = documentedHeaders.cosell_2023.filter(
  (name) => !/^(Solution|Team member) /.test(name),
)
const groups = [1, 2, 3].flatMap((number) => [`Solution ${number}`, `Team member ${number}`])

function write(rows: readonly Deal[], how: Writing): { bytes: Buffer; lines: number[] } {
  const turned = [
    ...single.slice(how.order % single.length),
    ...single.slice(0, how.order % single.length),
  ]
  const header = how.groupsFirst ? [...groups, ...turned] : [...turned, ...groups]
  const inside = (cell: string) => cell.replaceAll('\n', how.dialect.lineEnd)
  const records = rows.map((row) => {
    const cells = new Map([
      ['Referral ID', row.id],
      ['Deal Name', inside(row.name)],
      ['Customer Name', inside(row.customer)],
      ['Notes', inside(row.notes)],
      ['Estimated Close Date', how.date(row.closing)],
      ['Estimated Deal Value', how.amount(row.value)],
      ['Share with Microsoft sales team', how.flag(row.isShared)],
      ...row.solutions.map(({ id, price }, at): [string, string] => [
        `Solution ${at + 1}`,
        `${id}, EUR, ${price}`,
      ]),
      ...row.people.map(({ firstName, lastName, email }, at): [string, string] => [
        `Team member ${at + 1}`,
        `${firstName},${lastName},,${email}`,
      ]),
    ])
    return header.map((name) => cells.get(name) ?? '')
  })
  const empty = Array.from({ length: how.emptyColumns }, () => '')
  const lines = [header, ...records].map((cells) => [...cells, ...empty])
  const tail = Array.from({ length: how.emptyLines }, () => header.map(() => ''))
  let next = 2
  const starts = rows.map(({ name, customer, notes }) => {
    const start = next
    next += 1 + [...`${name}${customer}${notes}`].filter((sign) => sign === '\n').length
    return start
  })
  return { bytes: csvBytes([...lines, ...tail], how.dialect), lines: starts }
}

/** The typed row that a deal is, worked out from the deal alone. */
function expectedOf(row: Deal): Pick<ImportedRow, 'cells' | 'restricted' | 'referral'> {
  const number = row.value.replace(/^0+(?=\d)/, '')
  const solutions = row.solutions.map(({ id, price }) => ({ id, currency: 'EUR', price }))
  const team = row.people
  return {
    cells: {
      'Referral ID': row.id,
      'Deal Name': row.name,
      'Customer Name': row.customer,
      'Estimated Close Date': row.closing,
      'Estimated Deal Value': number,
      'Share with Microsoft sales team': row.isShared ? 'Yes' : 'No',
      ...Object.fromEntries(
        solutions.map(({ id, price }, at) => [`Solution ${at + 1}`, `${id}, EUR, ${price}`]),
      ),
    },
    restricted: {
      Notes: row.notes,
      ...Object.fromEntries(
        team.map(({ firstName, lastName, email }, at) => [
          `Team member ${at + 1}`,
          `${firstName}, ${lastName}, , ${email}`,
        ]),
      ),
    },
    referral: {
      id: row.id,
      name: row.name,
      customerProfile: { name: row.customer },
      details: {
        notes: row.notes,
        dealValue: number,
        closingDateTime: `${row.closing}T00:00:00Z`,
        ...(solutions.length === 0 ? {} : { requirements: { solutions } }),
      },
      consent: { consentToShareReferralWithMicrosoftSellers: row.isShared },
      ...(team.length === 0 ? {} : { team }),
    },
  }
}

describe('a file in any dialect', () => {
  test('the same deals give the same typed rows, however they were written', async () => {
    await fc.assert(
      fc.asyncProperty(deals, writing, async (rows, how) => {
        const { bytes, lines } = write(rows, how)
        const { file, rows: read } = await importBytes(bytes, {}, how.chunkBytes)
        expect(file.layout.name).toBe('cosell_2023')
        expect(file.extras).toEqual([])
        expect(file.notices).toEqual([])
        expect(read.flatMap(({ problems }) => problems)).toEqual([])
        expect(read.map(({ line }) => line)).toEqual(lines)
        expect(
          read.map(({ cells, restricted, referral }) => ({ cells, restricted, referral })),
        ).toEqual(rows.map(expectedOf))
      }),
      { numRuns: 80 },
    )
  })
})
