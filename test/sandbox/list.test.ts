import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startSandbox } from '../../src/sandbox/api/sandbox-server.ts'
import type { Referral } from '../../src/sandbox/referral.ts'
import { type Client, listPath, odata, withSandbox } from './client.ts'

let client: Client
let done: () => void = () => undefined
let closed: Promise<void>

beforeAll(async () => {
  await new Promise<void>((ready) => {
    closed = withSandbox({ referrals: 523, seed: 4 }, (opened) => {
      client = opened
      ready()
      return new Promise((resolve) => {
        done = resolve
      })
    })
  })
})
afterAll(async () => {
  done()
  await closed
})

const padded = (instant = '') => {
  const [seconds = '', fraction = ''] = instant.slice(0, -1).split('.')
  return `${seconds}.${fraction.padEnd(7, '0')}`
}
const keyOf = (property: string) => (each: Referral) => padded(String(each[property])) + each.id

describe('sandbox paging', () => {
  test.each([
    { orderby: 'createdDateTime asc', property: 'createdDateTime', descending: false },
    { orderby: 'createdDateTime', property: 'createdDateTime', descending: false },
    { orderby: 'createdDateTime desc', property: 'createdDateTime', descending: true },
    { orderby: 'updatedDateTime asc', property: 'updatedDateTime', descending: false },
    { orderby: 'updatedDateTime desc', property: 'updatedDateTime', descending: true },
  ])(
    'paging by $orderby gives each referral once, in order',
    async ({ orderby, property, descending }) => {
      const pages = await client.walk(odata({ orderby, top: 37 }))
      const keys = pages.flatMap((page) => page.value).map(keyOf(property))
      const expected = client.sandbox.referrals().map(keyOf(property)).sort()
      expect(keys).toEqual(descending ? expected.reverse() : expected)
      expect(pages.slice(0, -1).every((page) => page.value.length === 37)).toBe(true)
    },
  )

  test('a list without options has the newest first, 100 on a page', async () => {
    const [first] = await client.walk()
    const expected = client.sandbox.referrals().map(keyOf('createdDateTime')).sort().reverse()
    expect(first?.value.map(keyOf('createdDateTime'))).toEqual(expected.slice(0, 100))
    expect(first?.['@odata.count']).toBe(100)
  })

  test('a page size above the cap is reduced to it', async () => {
    expect((await client.list('$top=250')).value).toHaveLength(100)
  })

  test('a listed referral is served byte for byte', async () => {
    const served = (await client.walk()).flatMap((page) => page.value)
    const byId = new Map(client.sandbox.referrals().map((each) => [each.id, each]))
    for (const each of served) expect(JSON.stringify(each)).toBe(JSON.stringify(byId.get(each.id)))
  })

  test('the option $skip skips that many referrals', async () => {
    const [all, rest] = [await client.list(), await client.list('$skip=40')]
    expect(rest.value[0]?.id).toBe(all.value[40]?.id)
    expect((await client.list('$skip=600')).value).toEqual([])
  })

  test('a next link works without the query, and with its repetition', async () => {
    const query = odata({ filter: "status eq 'Closed'", orderby: 'updatedDateTime asc' })
    const link = new URL((await client.list(query))['@odata.nextLink'] ?? '')
    expect(link.origin).toBe(client.sandbox.url)
    expect(link.pathname).toBe(listPath)
    const bare = await client.list(link.search.slice(1))
    expect(await client.list(`${link.search.slice(1)}&${query}`)).toEqual(bare)
    const contradiction = await client.get(`${listPath}${link.search}&$orderby=createdDateTime`)
    expect(contradiction.status).toBe(400)
  })
})

describe('sandbox switches', () => {
  test('the documented next link is not found, and its token works on the known path', async () => {
    await withSandbox({ referrals: 150, nextLink: 'http-without-engagements' }, async (caller) => {
      const first = await caller.list()
      const link = new URL(first['@odata.nextLink'] ?? '')
      expect(`${link.origin}${link.pathname}`).toBe(`${caller.sandbox.url}/v1.0/referrals`)
      expect((await caller.get(`${link.pathname}${link.search}`)).status).toBe(404)
      expect((await caller.list(link.search.slice(1))).value).toHaveLength(50)
    })
  })

  test('date filters and $skip can be switched off', async () => {
    await withSandbox({ referrals: 60, dateFilter: false, skip: false }, async (caller) => {
      const filter = odata({ filter: 'updatedDateTime ge 2025-01-01T00:00:00Z' })
      expect((await caller.get(`${listPath}?${filter}`)).status).toBe(400)
      expect(await caller.list('$skip=5')).toEqual(await caller.list())
    })
  })

  test('the date literal can be required in quotes', async () => {
    await withSandbox({ referrals: 60, dateLiteral: 'quoted' }, async (caller) => {
      const filter = (literal: string) =>
        `${listPath}?${odata({ filter: `updatedDateTime ge ${literal}` })}`
      expect((await caller.get(filter('2025-01-01T00:00:00Z'))).status).toBe(400)
      expect((await caller.get(filter("'2025-01-01T00:00:00Z'"))).status).toBe(200)
    })
  })

  test('the option $top can limit the whole list, and the count can be the total', async () => {
    await withSandbox(
      { referrals: 60, top: 'total', count: 'total', pageCap: 20 },
      async (caller) => {
        const pages = await caller.walk('$top=50')
        expect(pages.map((page) => page.value.length)).toEqual([20, 20, 10])
        expect(pages[0]?.['@odata.count']).toBe(60)
      },
    )
  })
})

describe('sandbox filter', () => {
  const recent = '2025-01-01T00:00:00Z'
  const updated = (each: Referral) => padded(each.updatedDateTime ?? '')
  const rows: { filter: string; keeps: (each: Referral) => boolean }[] = [
    { filter: "status eq 'Active'", keeps: (each) => each.status === 'Active' },
    {
      filter: "status eq 'Closed' and qualification eq 'SalesQualified'",
      keeps: (each) => each.status === 'Closed' && each.qualification === 'SalesQualified',
    },
    {
      filter: "(type eq 'Shared' and direction eq 'Incoming')",
      keeps: (each) => each.type === 'Shared' && each.direction === 'Incoming',
    },
    {
      filter: "customerProfile/address/country eq 'IN' and direction eq 'Outgoing'",
      keeps: (each) =>
        each.customerProfile?.address?.country === 'IN' && each.direction === 'Outgoing',
    },
    { filter: `updatedDateTime ge ${recent}`, keeps: (each) => updated(each) >= padded(recent) },
    { filter: `updatedDateTime lt ${recent}`, keeps: (each) => updated(each) < padded(recent) },
    {
      filter: `createdDateTime gt 2023-05-01T00:00:00Z and createdDateTime le 2024-05-01T00:00:00.1234567Z`,
      keeps: (each) => {
        const created = padded(each.createdDateTime ?? '')
        return (
          created > padded('2023-05-01T00:00:00Z') &&
          created <= padded('2024-05-01T00:00:00.1234567Z')
        )
      },
    },
    {
      filter: `updatedDateTime eq 2023-02-04T02:00:00Z`,
      keeps: (each) => each.updatedDateTime === '2023-02-04T02:00:00Z',
    },
    { filter: "status eq 'O''Brien'", keeps: () => false },
  ]
  test.each(rows)('a list keeps exactly the referrals of $filter', async ({ filter, keeps }) => {
    const expected = client.sandbox
      .referrals()
      .filter(keeps)
      .map((each) => each.id)
      .sort()
    for (const orderby of ['createdDateTime desc', 'updatedDateTime asc']) {
      const pages = await client.walk(odata({ filter, orderby, top: 41 }))
      expect(
        pages
          .flatMap((page) => page.value)
          .map((each) => each.id)
          .sort(),
      ).toEqual(expected)
    }
  })

  test('a filter finds an engagement, and a member of the team', async () => {
    const [some] = client.sandbox.referrals().filter((each) => each.team?.[0]?.email)
    const email = some?.team?.[0]?.email ?? ''
    const byEngagement = await client.list(
      odata({ filter: `engagementId eq '${some?.engagementId}'` }),
    )
    expect(byEngagement.value.map((each) => each.id)).toContain(some?.id)
    const byEmail = await client.walk(odata({ filter: `team/any(t:t/email eq '${email}')` }))
    const expected = client.sandbox
      .referrals()
      .filter((each) => each.team?.some((one) => one.email === email))
    expect(byEmail.flatMap((page) => page.value)).toHaveLength(expected.length)
  })

  test.each([
    ["status eq 'New' or status eq 'Active'"],
    ["status ne 'New'"],
    ["status in ('New')"],
    ["name eq 'x'"],
    ['status eq New'],
    ["status eq 'New' and"],
    ["(status eq 'New'"],
    ["status eq 'New"],
    ["contains(name,'x')"],
    ['engagementId eq 1352e03d-281b-49ef-acf5-0eb2b2dd3b13'],
    ["updatedDateTime ge '2025-01-01T00:00:00Z'"],
    ['updatedDateTime ge 2025-01-01'],
    ["team/any(t:t/firstName eq 'x')"],
  ])('the filter %s is rejected', async (filter) => {
    const rejected = await client.get(`${listPath}?${odata({ filter })}`)
    expect(rejected.status).toBe(400)
    expect(await rejected.json()).toMatchObject({
      error: { code: 'invalidRequest', target: '$filter' },
    })
  })
})

test('the option $select returns the named properties, on lists and on a single referral', async () => {
  const page = await client.list('$select=id,status,customerProfile&$top=5')
  for (const each of page.value) {
    expect(Object.keys(each)).toEqual(['id', 'status', 'customerProfile'])
  }
  const single = await client.get(`${listPath}/${page.value[0]?.id}?$select=id,status`)
  expect(Object.keys((await single.json()) as object)).toEqual(['@odata.context', 'id', 'status'])
})

test.each([
  '$orderby=name',
  '$orderby=createdDateTime%20sideways',
  '$top=0',
  '$top=-1',
  '$top=ten',
  '$skip=x',
  '$skiptoken=rubbish',
  '$expand=team',
  '$select=customerProfile/name',
])('the query %s is rejected', async (query) => {
  const rejected = await client.get(`${listPath}?${query}`)
  expect(rejected.status).toBe(400)
  expect(await rejected.json()).toMatchObject({ error: { code: 'invalidRequest' } })
})

test('the sandbox makes and pages 20,000 referrals within seconds', {
  timeout: 60_000,
}, async () => {
  const startMs = performance.now()
  await withSandbox({ referrals: 20_000 }, async (caller) => {
    const pages = await caller.walk(odata({ orderby: 'updatedDateTime asc', top: 100 }))
    expect(performance.now() - startMs).toBeLessThan(30_000)
    expect(new Set(pages.flatMap((page) => page.value.map((each) => each.id))).size).toBe(20_000)
  })
})

test('equal options serve equal bytes', async () => {
  const [one, other] = await Promise.all([
    startSandbox({ referrals: 200, seed: 9, change: 20 }),
    startSandbox({ referrals: 200, seed: 9, change: 20 }),
  ])
  expect(JSON.stringify(one.referrals())).toBe(JSON.stringify(other.referrals()))
  await Promise.all([one.close(), other.close()])
})
