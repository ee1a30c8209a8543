import { afterAll, describe, expect, test } from 'vitest'
import { faultCases, type Survived, tableOf, tryFault } from './catalogue.ts'

const survived: Survived[] = []

test('the catalogue has more than 60 kinds of faults in more than 360 places', () => {
  expect(new Set(faultCases.map(({ kind }) => kind)).size).toBeGreaterThan(60)
  expect(faultCases.length).toBeGreaterThan(360)
})

describe.concurrent.each([...new Set(faultCases.map(({ area }) => area))])('%s', (area) => {
  // Concurrent tests need their own `expect`: the global one cannot tell them apart.
  for (const faultCase of faultCases.filter((one) => one.area === area))
    test(`a read ends as it should with the fault: ${faultCase.title}`, async ({ expect }) => {
      survived.push(await tryFault(faultCase, expect))
    })
})

afterAll(() => void process.stdout.write(`\nfaults tried and survived\n${tableOf(survived)}\n`))
