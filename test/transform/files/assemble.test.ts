import { describe, expect, test } from 'vitest'
import type { LandedVersion } from '../../../src/transform/context.ts'
import { assemble } from '../../../src/transform/files/assemble.ts'
import { toRows } from '../../../src/transform/to-rows.ts'
import { transformContext } from '../../support/transform-context.ts'

const id = 'f7eaae47-0b84-4ac4-b4ea-5b2587d42cee'

function row(no: number, referral: object | null, more: object = {}): LandedVersion {
  const payload = { layout: 'cosell_2023', referral, cells: {}, problems: [], ...more }
  return {
    version_no: no,
    resource_type: 'csv_row',
    observed_at: '2026-11-01T00:00:00Z',
    source_updated_text: null,
    payload,
    people: { referral: {}, cells: {} },
  }
}

function ofApi(payload: object, observed_at = '2026-03-10T02:00:00Z'): LandedVersion {
  const source_updated_text = '2026-03-01T10:00:00Z'
  const whole = { id, status: 'Active', createdDateTime: '2026-01-05T10:00:00Z', ...payload }
  return {
    ...{ version_no: 1, resource_type: 'referral', observed_at, source_updated_text },
    payload: { ...whole, updatedDateTime: source_updated_text },
    people: {},
  }
}

const payloads = (versions: readonly LandedVersion[]) =>
  assemble(versions)
    .versions.filter(({ resource_type }) => resource_type !== 'referral_presence')
    .map(({ payload }) => payload)

const rowsOf = (versions: readonly LandedVersion[]) =>
  toRows({ partner_account_key: 1, referral_no: 1, resource_id: id, versions }, transformContext)

describe('assemble', () => {
  test('rows in any order give the same versions', () => {
    const rows = [
      row(1, { id, status: 'Active', details: { dealValue: '10', currency: 'EUR' } }),
      row(2, { id, status: 'Closed', substatus: 'Won' }),
      row(3, { id, status: 'Active', name: 'North' }, { layout: 'insights_cosell' }),
      row(4, { id, registrations: [{ status: 'Passed' }] }, { layout: 'registrations' }),
    ]
    const first = payloads(rows)
    expect(first).toMatchObject([
      { status: 'Closed', substatus: 'Won', name: 'North', details: { dealValue: '10' } },
    ])
    expect(payloads([...rows].reverse())).toEqual(first)
    expect(
      payloads([rows[2], rows[0], rows[3], rows[1]].filter((one) => one !== undefined)),
    ).toEqual(first)
  })

  test('a value of an undated row is never put over one of the API', () => {
    const api = ofApi({ details: { dealValue: 100 } })
    const file = row(1, { id, status: 'Closed', mpnId: '42', details: { dealValue: '7' } })
    expect(payloads([api, file])).toMatchObject([
      { status: 'Active', mpnId: '42', details: { dealValue: 100 } },
    ])
  })

  test('a row of the day on which the API was read is no newer, one of the day after is', () => {
    const api = ofApi({ details: { dealValue: 100 } })
    const file = { id, status: 'Closed', details: { dealValue: '100.00' } }
    expect(payloads([api, row(1, file, { asOf: '2026-03-10' })])).toMatchObject([
      { status: 'Active' },
    ])
    expect(payloads([api, row(1, file, { asOf: '2026-03-11' })])).toMatchObject([
      { status: 'Active' },
      // The amount is the same, so that of the API stays.
      { status: 'Closed', details: { dealValue: 100 }, updatedDateTime: '2026-03-11T00:00:00Z' },
    ])
  })

  test('a change that a later row takes back ends with the value of the API', () => {
    const api = ofApi({ qualification: 'SalesQualified' })
    const file = (no: number, qualification: string, asOf: string) =>
      row(no, { id, status: 'Active', qualification }, { asOf })
    const rows = [
      file(1, 'Direct', '2026-03-12'),
      file(2, 'SalesQualified', '2026-03-15'),
      file(3, 'SalesQualified', '2026-03-11'),
    ]
    expect(payloads([api, ...rows])).toMatchObject([
      { qualification: 'SalesQualified' },
      { qualification: 'Direct', updatedDateTime: '2026-03-12T00:00:00Z' },
      { qualification: 'SalesQualified', updatedDateTime: '2026-03-15T00:00:00Z' },
    ])
  })

  test('a property that the API emptied stays empty', () => {
    const before = { ...ofApi({ campaignId: 'C-1' }, '2026-02-01T02:00:00Z'), version_no: 1 }
    const after = { ...ofApi({}), version_no: 2 }
    const [, latest] = payloads([before, after, row(1, { id, campaignId: 'C-1' })])
    expect(latest).not.toHaveProperty('campaignId')
  })

  test('a registration alone waits', () => {
    const rows = [
      row(1, { id, registrations: [{ status: 'Passed' }] }, { layout: 'registrations' }),
    ]
    expect(assemble(rows)).toMatchObject({ versions: [], isWaiting: true })
    expect(rowsOf(rows).kind).toBe('waiting')
  })

  test('a registration without id belongs to the one with an id of the same day', () => {
    const day = (text: string) => ({ registrationDateTime: text })
    const both = [
      { id: 'R-1', ...day('2026-01-01') },
      { id: 'R-2', ...day('2026-02-01') },
    ]
    const rows = [
      row(1, { id, status: 'Closed', registrations: [both[0]] }, { layout: 'insights_cosell' }),
      row(2, { id, status: 'Closed', registrations: [both[1]] }, { layout: 'insights_cosell' }),
      row(
        3,
        { id, registrations: [{ ...day('2026-02-01'), status: 'Failed' }] },
        {
          layout: 'registrations',
        },
      ),
    ]
    const [{ registrations } = { registrations: [] }] = payloads(rows) as [
      { registrations: readonly { id: string; status?: string }[] },
    ]
    expect(registrations.map(({ id: name, status }) => [name, status]).sort()).toEqual([
      ['R-1', undefined],
      ['R-2', 'Failed'],
    ])
  })
})

describe('findings of files', () => {
  const findingsOf = (versions: readonly LandedVersion[]) =>
    rowsOf(versions).rows['stg.dq_finding'].map(({ rule_code, item_ref }) => [rule_code, item_ref])

  test('a cell that was left out and an estimated creation are findings', () => {
    const problem = {
      ...{ code: 'invalid', column: 'Currency', expected: 'three letters', got: '"12"' },
      effect: 'loaded_without_value',
    }
    const found = findingsOf([row(1, { id, status: 'Active' }, { problems: [problem] })])
    expect(found).toContainEqual(['cell_not_loaded', 'Currency'])
    expect(found).toContainEqual(['created_day_estimated', ''])
    const whole = { id, status: 'Active', createdDateTime: '2026-01-02' }
    expect(findingsOf([row(1, whole)])).toEqual([])
  })
})
