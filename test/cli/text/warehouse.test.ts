import { describe, expect, test } from 'vitest'
import { renderStopped } from '../../../src/cli/text/warehouse.ts'

describe('renderStopped', () => {
  test.each([
    { wasRunning: true, folder: '/srv/data', says: 'is stopped. Its data are in:\n  /srv/data' },
    {
      wasRunning: false,
      folder: '/srv/data',
      says: 'is not running. Its data are in:\n  /srv/data',
    },
    { wasRunning: false, folder: undefined, says: 'is not running: /srv/home holds none.' },
  ])('renderStopped says that the embedded warehouse $says', ({ says, ...stopped }) => {
    expect(renderStopped(stopped, '/srv/home')).toBe(`The embedded warehouse ${says}`)
  })
})
