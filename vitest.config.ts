import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Tests that need no PostgreSQL. Running one of them alone starts none, and takes two seconds. */
const pure = [
  'test/*.test.ts',
  'test/docs/dependencies.test.ts',
  'test/docs/links.test.ts',
  'test/{csv,extract,sandbox,transform}/**/*.test.ts',
  'test/cli/{completion,strict-command,signals,invocation,source-places}.test.ts',
  'test/cli/text/*.test.ts',
  'test/warehouse/connection/{address,failures,password-file}.test.ts',
  'test/warehouse/bi-connection.test.ts',
  'test/warehouse/reader/answer-rows.test.ts',
  'test/export/{values,writers}.test.ts',
  'test/explain/calculation/*.test.ts',
  'test/mcp/limits.test.ts',
  'test/pipeline/{stopwatch,accounts/account-outcomes,accounts/choose-accounts}.test.ts',
  'test/queue/job.test.ts',
  'test/open/page/*.test.ts',
  'test/open/{choice,http/guard,http/serve,lists/csv}.test.ts',
]

/** Tests that take long: faults and kills at many places, simulated nights, random histories, browsers. */
const long = [
  'test/{browser,faults,simulation}/**/*.test.ts',
  'test/cli/{exits,queue}.test.ts',
  'test/pipeline/crash.test.ts',
  'test/pipeline/backfill/random-windows.test.ts',
  'test/pipeline/accounts/for-each-account.test.ts',
]

const globalSetup = ['test/support/global-setup.ts']

export default defineConfig({
  test: {
    // By default one fewer, so one of two; most tests wait for PostgreSQL half of their time, and
    // there is but one PostgreSQL.
    maxWorkers: Math.min(availableParallelism(), 4),
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Longest wait for what comes about beside the test; a second is too short on a busy machine.
    expect: { poll: { timeout: 20_000 } },
    projects: [
      { extends: true, test: { name: 'pure', include: pure } },
      {
        extends: true,
        test: {
          name: 'database',
          include: ['test/**/*.test.ts'],
          exclude: [...pure, ...long],
          globalSetup,
        },
      },
      { extends: true, test: { name: 'long', include: long, globalSetup } },
    ],
  },
})
