import { expect, test } from 'vitest'
import { aReferral, only, rowsOf } from '../../support/referral-builder.ts'

test.each([
  ['10to50employees', 10, 50],
  ['Morethan500employees', 501, null],
  ['12to34employees', 12, 34],
  ['many', null, null],
])('a customer of size %s has from %s to %s employees', (size, least, greatest) => {
  const customer = only(rowsOf(aReferral({ customerProfile: { size } }))['stg.dim_customer'])
  expect(customer).toMatchObject({
    customer_size: size,
    customer_size_min_employees: least,
    customer_size_max_employees: greatest,
  })
})
