#!/usr/bin/env node
// An old Node.js reads this file, and what it imports, before it can be given its sentence. So they
// import no package and no modern module, and do without top-level await.
import { oldNodeFailure } from './node-version.ts'

const failure = oldNodeFailure(process.versions.node)
if (failure === undefined) {
  void import('./cli/main.ts')
} else {
  const { code, message, exitCode } = failure
  console.error(`cosell: ${message}`)
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify({ status: 'failed', code, message, exit_code: exitCode }))
  }
  process.exitCode = exitCode
}
