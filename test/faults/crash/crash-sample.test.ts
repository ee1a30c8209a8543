import pLimit from 'p-limit'
import { beforeAll, describe, expect, inject, test } from 'vitest'
import type { IoBoundary } from '../../../src/io-boundary.ts'
import { describeStatement } from '../../../src/warehouse/connection/client.ts'
import { casesOf, sized } from './cases.ts'
import { runProgram } from './program.ts'
import {
  type Case,
  nameOf,
  type Reference,
  runCase,
  runReference,
  whileWatching,
} from './run-case.ts'
import { withWire } from './wire.ts'
import { letLeasesLapse, readersSee, runHere, type TestServer, withWorld } from './world.ts'

// The sized-down part of `npm run test:crash`: a fault here and there, and all of them at
// the commits that land a page and that publish an account.

const timeoutMs = 180_000

const program = { door: inject('programDoor') }
let reference: Reference
let testServer: TestServer

beforeAll(async () => {
  testServer = {
    server: inject('databaseUrl'),
    template: inject('databaseTemplate'),
    night: 'first',
  }
  reference = await runReference(testServer, program)
}, timeoutMs)

/** Number of the commit that ends the first transaction with this statement in it. */
function commitOf(statement: string, trace: readonly IoBoundary[]): number {
  const within = trace.findIndex(({ name }) => name === statement)
  expect(within, statement).toBeGreaterThan(0)
  const isCommit = ({ name, phase }: IoBoundary) => name === 'commit' && phase === 'before'
  return 1 + trace.findIndex((boundary, place) => place > within && isCommit(boundary))
}

const landing = 'with pii.payload'
const publishing = 'insert etl.run_table'

/** The commits that land the first page and that publish an account, and what follows on them. */
function commits(trace: readonly IoBoundary[]): Set<number> {
  const numbers = [landing, publishing].map((statement) => commitOf(statement, trace))
  return new Set(numbers.flatMap((number) => [number, number + 2]))
}

async function runAll(cases: readonly Case[], atOnce: number) {
  const limit = pLimit(atOnce)
  const outcomes = await Promise.all(
    cases.map((oneCase) => limit(() => runCase(oneCase, { testServer, program, reference }))),
  )
  const wrong = outcomes.filter(({ problems }) => problems.length > 0)
  expect(wrong).toEqual([])
  return outcomes
}

/** Messages of the clients to PostgreSQL: each statement, and the number of COPY streams that ended. */
function readConversation(said: readonly Buffer[]) {
  const statements: string[] = []
  let copies = 0
  for (const bytes of said) {
    // The first message has no letter; the others are a letter, a length and a text.
    let place = bytes.length === 0 ? 0 : bytes.readInt32BE(0)
    while (place < bytes.length) {
      const letter = String.fromCharCode(bytes.readUInt8(place))
      const length = bytes.readInt32BE(place + 1)
      const texts = bytes.toString('utf8', place + 5, place + 1 + length).split('\0')
      if (letter === 'Q') statements.push(texts[0] ?? '')
      if (letter === 'P') statements.push(texts[1] ?? '')
      if (letter === 'c') copies += 1
      place += 1 + length
    }
  }
  return { statements, copies }
}

describe('a night of two accounts of five pages', () => {
  test('a night crosses a boundary with every request, statement and COPY stream', () =>
    withWorld(testServer, (world) =>
      withWire(world.url, async (wire) => {
        const crossed: IoBoundary[] = []
        await whileWatching(
          (boundary) => crossed.push(boundary),
          () => runHere(world, wire.url),
        )
        const count = (kind: IoBoundary['kind'], phase: IoBoundary['phase'] = 'before') =>
          crossed.filter((boundary) => boundary.kind === kind && boundary.phase === phase)
        const { statements, copies } = readConversation(wire.said())
        const named = count('sql').map(({ name }) => name)
        const connects = wire.said().map(() => 'connect')
        expect(named.sort()).toEqual([...statements.map(describeStatement), ...connects].sort())
        expect(count('copy')).toHaveLength(copies)
        expect(count('http')).toHaveLength(world.requests())
        expect(count('file').length).toBeGreaterThan(8)
        for (const kind of ['http', 'file', 'sql', 'copy'] as const) {
          expect(count(kind, 'after'), kind).toHaveLength(count(kind).length)
        }
        expect(statements.length).toBeGreaterThan(300)
        expect(copies).toBeGreaterThan(20)
      }),
    ))

  test('a commit that was sent is published though its sender is dead', () =>
    Promise.all(
      [false, true].map((isSent) =>
        withWorld(testServer, async (world) => {
          const blow = { at: commitOf(publishing, reference.program), isSent }
          await runProgram(program, { env: world.settings, cwd: world.home, blow })
          await letLeasesLapse(world)
          expect(await readersSee(world)).toBe(isSent ? reference.halves[0] : reference.before)
        }),
      ),
    ))

  test(
    'a killed night leaves whole accounts, and the next one ends as if nothing had happened',
    async () => {
      const kept = commits(reference.program)
      const cases = sized(casesOf('kill', reference), 120, ({ at }) => kept.has(at))
      expect(cases.length).toBeGreaterThan(10)
      expect(cases.map(nameOf)).toContainEqual(expect.stringMatching(/^kill:\d+:sent$/))
      await runAll(cases, 2)
    },
    timeoutMs,
  )

  test(
    'a night cut off from the database goes on, or ends with 75 and the next one goes on',
    async () => {
      const kept = commits(reference.here)
      const cases = sized(casesOf('cut', reference), 160, ({ at }) => kept.has(at))
      expect(cases.length).toBeGreaterThan(10)
      // One at a time: boundaries do not tell which run of this process crosses them.
      const outcomes = await runAll(cases, 1)
      expect(outcomes.filter(({ hasRecovered }) => hasRecovered).length).toBeGreaterThan(6)
    },
    timeoutMs,
  )

  test(
    'a night whose statement an administrator ends goes on, or ends with 75 and the next one goes on',
    async () => {
      const kept = commits(reference.here)
      const cases = (['cancel', 'terminate'] as const).flatMap((order) =>
        sized(casesOf(order, reference), 400, ({ at }) => kept.has(at)),
      )
      expect(cases.length).toBeGreaterThan(6)
      const outcomes = await runAll(cases, 1)
      expect(outcomes.filter(({ hasRecovered }) => hasRecovered).length).toBeGreaterThan(3)
    },
    timeoutMs,
  )
})
