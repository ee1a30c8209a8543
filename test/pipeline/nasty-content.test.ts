import { type Kysely, sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Database } from '../../src/warehouse/tables.generated.ts'
import { withDatabase } from '../support/database.ts'
import { resultOf, runCli } from '../support/run-cli.ts'
import { withServer } from '../support/scripted-server.ts'
import { pageOf } from '../support/served-pages.ts'
import { withHome } from '../support/with-pipeline.ts'

interface Case {
  readonly why: string
  /** Properties as JSON text, character by character as the API would send them. */
  readonly json: string
  /** Values by SQL expression, or the reason of the quarantine. */
  readonly cells: Readonly<Record<string, string | null>> | string
}

const mebibyte = 1_048_576
const money = 'f.deal_value_amount'
const sentAt = (path: string) => `p.payload #>> '{${path}}'`
const sentMoney = sentAt('details,dealValue')
const name = 'r.referral_name'
const sentName = sentAt('name')
const dealValue = (json: string) => `"details":{"currency":"USD","dealValue":${json}}`
const nested = (levels: number) => `"odd":${'{"a":['.repeat(levels / 2)}${']}'.repeat(levels / 2)}`
const items = (count: number) =>
  `"details":{"requirements":{"industries":[${Array.from({ length: count }, (_, no) => `{"id":"I ${no}"}`)}]}}`
const keys = (count: number) =>
  `"odd":{${Array.from({ length: count }, (_, no) => `"key ${no}":1`)}}`
const finding = (rule: string) =>
  `(select count(*) from dw.fact_finding d where d.referral_id = r.referral_id and rule_code = '${rule}')`

const cases: readonly Case[] = [
  {
    why: 'NUL',
    json: String.raw`"name":"a\u0000b","details":{"notes":"c\u0000"}`,
    cells: { [name]: 'a\ufffdb', [sentName]: 'a\ufffdb', 't.details_notes': 'c\ufffd' },
  },
  {
    why: 'lone surrogates beside a pair',
    json: String.raw`"name":"\ud83d\ude00 \ud800 \udc00 \\ud800"`,
    cells: { [name]: '😀 \ufffd \ufffd \\ud800', [sentName]: '😀 \ufffd \ufffd \\ud800' },
  },
  {
    why: 'marks that turn the direction of writing',
    json: '"name":"a\u202eb\u2066c\u200f"',
    cells: { [name]: 'a\u202eb\u2066c\u200f', [sentName]: 'a\u202eb\u2066c\u200f' },
  },
  {
    why: 'emoji of several parts, beyond the basic plane',
    json: '"name":"👩‍👩‍👧 𝒳","customerProfile":{"name":"🏴‍☠️"}',
    cells: { [name]: '👩‍👩‍👧 𝒳', 'c.customer_name': '🏴‍☠️' },
  },
  { why: 'composed', json: '"name":"é"', cells: { [`octet_length(${name})`]: '2' } },
  { why: 'decomposed', json: '"name":"e\u0301"', cells: { [`octet_length(${name})`]: '3' } },
  {
    why: 'a text of a mebibyte, and one among the people',
    json: `"statusReason":"${'x'.repeat(mebibyte)}","details":{"notes":"${'é'.repeat(mebibyte)}"}`,
    cells: {
      'length(r.status_reason)': String(mebibyte),
      'length(t.details_notes)': String(mebibyte),
    },
  },
  {
    why: 'a text beyond a mebibyte',
    json: `"statusReason":"${'x'.repeat(mebibyte + 1)}"`,
    cells: 'text_too_long statusReason',
  },
  {
    why: 'a thousand items',
    json: items(1_000),
    cells: {
      '(select sum(weight) from dw.bridge_referral_tag b where b.referral_key = r.referral_key)':
        '1.000000',
    },
  },
  {
    why: 'ten thousand items',
    json: items(10_000),
    cells: 'too_many_items details.requirements.industries',
  },
  { why: '30 levels', json: nested(30), cells: { [finding('unmapped_property')]: '1' } },
  { why: '40 levels', json: nested(40), cells: 'too_deep ' },
  { why: '5,000 levels', json: nested(5_000), cells: 'too_deep ' },
  {
    why: 'names that JavaScript objects have by themselves',
    json: '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"toString":1,"details":{"__proto__":{"dealValue":1},"dealValue":2}',
    cells: {
      [money]: '2.0000',
      [sentAt('__proto__,polluted')]: 'true',
      [sentAt('constructor,prototype,polluted')]: 'true',
      [sentAt('details,__proto__,dealValue')]: '1',
    },
  },
  {
    why: 'a name twice',
    json: '"name":"first","name":"last"',
    cells: { [name]: 'last', [sentName]: 'last' },
  },
  { why: '2,000 names', json: keys(2_000), cells: { [finding('unmapped_property')]: '1' } },
  {
    why: '2,001 names in an object that is read',
    json: `"details":${keys(2_001).slice('"odd":'.length)}`,
    cells: 'too_many_keys details',
  },
  {
    why: 'what COPY treats specially',
    json: String.raw`"name":"\\N","statusReason":"a\tb\\c\r\n\\.\nd\u000b\u0007","details":{"notes":"\\N"}`,
    cells: {
      [name]: '\\N',
      'r.status_reason': 'a\tb\\c\r\n\\.\nd\v\u0007',
      't.details_notes': '\\N',
    },
  },
  {
    why: 'entities',
    json: '"name":"Tern &amp; Gull &lt;3 &amp;lt; &#233;&#0;","statusReason":"a &amp; b"',
    cells: {
      [name]: 'Tern & Gull <3 &lt; é\ufffd',
      [sentName]: 'Tern &amp; Gull &lt;3 &amp;lt; &#233;&#0;',
      'r.status_reason': 'a &amp; b',
    },
  },
  ...(
    [
      ['999999999999999.9999', '999999999999999.9999'],
      ['-0.0001', '-0.0001'],
      ['0.00005', '0.0001'],
      ['1e3', '1000.0000'],
      ['-0', '0.0000'],
      ['" 12.5 "', '12.5000'],
      ['"-1.5E2"', '-150.0000'],
      ['""', null],
      ['null', null],
    ] as const
  ).map(([json, stored]) => ({
    why: `${json} as a value`,
    json: dealValue(json),
    cells: {
      [money]: stored,
      ...(json.length > 10 ? { [sentMoney]: JSON.parse(`"${json}"`) } : {}),
    },
  })),
  ...['1234567890123456789012345678', '1e400', '"12,5"'].map((json) => ({
    why: `${json} as a value`,
    json: dealValue(json),
    cells: { [money]: null, [finding('unreadable_value')]: '1' },
  })),
]

const asides = cases.filter(({ cells }) => typeof cells === 'string')

const fixed =
  '"status":"New","substatus":"Received","createdDateTime":"2025-01-02T03:04:05Z","updatedDateTime":"2025-02-03T04:05:06Z"'
const plain = [`{"id":"plain 1",${fixed}}`, `{"id":"plain 2",${fixed}}`]

async function cellsOf(db: Kysely<Database>, id: string, { cells }: Case) {
  if (typeof cells === 'string') {
    const aside = await sql<{ reason: string; is_loaded: boolean }>`
      select reason_code || ' ' || item_path as reason,
        exists (select from dw.dim_referral r where r.referral_id = q.resource_id) as is_loaded
      from etl.quarantine q
      where resource_id = ${id} and resolved_run_id is null`.execute(db)
    const [row] = aside.rows
    return row === undefined || row.is_loaded ? 'not set aside' : row.reason
  }
  const found: Record<string, string | null> = {}
  for (const expression of Object.keys(cells)) {
    const row = await sql<{ cell: string | null }>`
      select (${sql.raw(expression)})::text as cell
      from dw.dim_referral r
      join dw.fact_referral f using (referral_key)
      join dw.dim_customer c using (customer_key)
      left join pii.referral_text t using (referral_key)
      join raw.payload p on p.resource_id = r.referral_id
      where r.referral_id = ${id}`.execute(db)
    found[expression] = row.rows.length === 1 ? (row.rows[0]?.cell ?? null) : 'not loaded'
  }
  return found
}

test('any content of a referral is stored exactly or quarantined, and its page is loaded', () => {
  const nasty = cases.map(({ json }, no) => `{"id":"nasty ${no}",${fixed},${json}}`)
  const page = pageOf([plain[0] ?? '', ...nasty, plain[1] ?? ''])
  const script = ({ path }: { path: string }) =>
    /skip=[1-9]/.test(path) ? { body: pageOf([]) } : { body: page }
  return withServer(script, (server) =>
    withHome((home) =>
      withDatabase(async (db, url) => {
        const ended = await runCli(['run', '--json'], {
          cwd: home,
          env: {
            COSELL_API_URL: server.url,
            COSELL_ACCESS_TOKEN: 'a-token',
            COSELL_REQUESTS_PER_MINUTE: '60000',
            COSELL_DATABASE_URL: url,
          },
        })
        expect(ended.code, ended.stderr.slice(-2_000)).toBe(0)
        expect(resultOf(ended)).toMatchObject({
          status: 'published',
          seen: cases.length + plain.length,
          changed: cases.length + plain.length - asides.length,
          quarantined: asides.length,
        })
        for (const [no, nastyCase] of cases.entries()) {
          expect(await cellsOf(db, `nasty ${no}`, nastyCase), nastyCase.why).toEqual(
            nastyCase.cells,
          )
        }
        const intact = await db
          .selectFrom('dw.dim_referral')
          .select('referral_id')
          .where('referral_id', 'like', 'plain%')
          .execute()
        expect(intact).toHaveLength(plain.length)
      }),
    ),
  )
})
