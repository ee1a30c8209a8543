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
    nextLink: true,
    skip: false,
    pageCap: 100,
    count: 'total',
  },
  {
    createdFilter: null,
    updatedFilter: null,
    nextLink: false,
    skip: true,
    pageCap: null,
    count: 'page',
  },
  {
    createdFilter: null,
    updatedFilter: 'bare',
    nextLink: true,
    skip: true,
    pageCap: 50,
    count: 'unknown',
  },
]

test.each(known)('what is kept is read again: %j', (found) => {
  expect(parseCapabilities(new Map(Object.entries(describeCapabilities(found))))).toEqual(found)
})

describe('a ledger that lacks or misspells one thing is asked for anew', () => {
  const kept = describeCapabilities(known[0] as Capabilities)
  test.each(Object.keys(kept))('%s is missing', (name) => {
    const { [name]: _, ...rest } = kept
    expect(parseCapabilities(new Map(Object.entries(rest)))).toBeNull()
  })
  test.each(Object.keys(kept))('%s is not understood', (name) => {
    expect(parseCapabilities(new Map(Object.entries({ ...kept, [name]: 'perhaps' })))).toBeNull()
  })
})
