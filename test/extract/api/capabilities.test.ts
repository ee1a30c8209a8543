import { describe, expect, test } from 'vitest'
import {
  type Capabilities,
  describeCapabilities,
  parseCapabilities,
} from '../../../src/extract/api/capabilities.ts'

const known: readonly Capabilities[] = [
  {
    createdFilter: 'bare',
    updatedFilter: 'quoted',
    statusFilter: true,
    nextLink: true,
    skip: false,
    pageCap: 100,
    count: 'total',
  },
  {
    createdFilter: null,
    updatedFilter: null,
    statusFilter: false,
    nextLink: false,
    skip: true,
    pageCap: null,
    count: 'page',
  },
  {
    createdFilter: null,
    updatedFilter: 'bare',
    statusFilter: false,
    nextLink: true,
    skip: true,
    pageCap: 50,
    count: 'unknown',
  },
]

test.each(known)('stored capabilities are parsed again: %j', (found) => {
  expect(parseCapabilities(new Map(Object.entries(describeCapabilities(found))))).toEqual(found)
})

describe('incomplete stored capabilities', () => {
  const kept = describeCapabilities(known[0] as Capabilities)
  test.each(Object.keys(kept))('capabilities without %s are unknown', (name) => {
    const { [name]: _, ...rest } = kept
    expect(parseCapabilities(new Map(Object.entries(rest)))).toBeNull()
  })
  test.each(Object.keys(kept))('capabilities with a misspelled %s are unknown', (name) => {
    expect(parseCapabilities(new Map(Object.entries({ ...kept, [name]: 'perhaps' })))).toBeNull()
  })
})
