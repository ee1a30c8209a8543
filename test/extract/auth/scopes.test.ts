import { describe, expect, test } from 'vitest'
import { scopesFor } from '../../../src/extract/auth/msal.ts'

describe('scopesFor', () => {
  test.each([
    ['https://api.partner.microsoft.com', undefined, 'https://api.partner.microsoft.com/.default'],
    ['https://api.cloud.example.com', undefined, 'https://api.cloud.example.com/.default'],
    [
      'https://api.cloud.example.com:8443/x',
      undefined,
      'https://api.cloud.example.com:8443/.default',
    ],
    ['http://127.0.0.1:8080', undefined, 'https://api.partner.microsoft.com/.default'],
    ['https://gateway.example.com', 'api://partner/.default', 'api://partner/.default'],
  ])('the permission for %s with COSELL_API_SCOPE %s is %s', (apiUrl, apiScope, scope) =>
    expect(scopesFor({ apiUrl, apiScope })).toEqual([scope]),
  )
})
