import { useEffect, useState } from 'preact/hooks'
import type { Failure } from '../../answers.ts'

export interface Asked<Answer> {
  /** The latest answer; while another is waited for, the one before. Null before the first. */
  readonly answer: Answer | null
  /** Why there is no answer, as a sentence; null while all is well. */
  readonly failure: string | null
  readonly isWaiting: boolean
}

/** Answers kept, so that Back shows at once what was there, and the browser finds its place in it. */
const keptMax = 20
const kept = new Map<string, unknown>()

/** UTC day of the server when it answered last; empty before it did. */
let serverDay = ''
const clock = new EventTarget()

/** Day of the server once it is another than when the page was loaded; empty until then. */
export function useNewDay(): string {
  const [day, setDay] = useState('')
  useEffect(() => {
    const follow = () => setDay(serverDay)
    clock.addEventListener('day', follow)
    return () => clock.removeEventListener('day', follow)
  }, [])
  return day
}

function readClock({ headers }: Response) {
  const day = new Date(headers.get('date') ?? '')
  if (Number.isNaN(day.getTime())) return
  const before = serverDay
  serverDay = day.toISOString().slice(0, 10)
  if (before !== '' && before !== serverDay) clock.dispatchEvent(new Event('day'))
}

/** Asked before the part that shows it is drawn. */
const early = new Map<string, Promise<unknown>>()

/** Asks for what will be shown first, beside what the page needs before it can show anything. */
export function askEarly(route: string, query: string): void {
  const of = `data/${route}?${query}`
  const asked = ask(of)
  early.set(of, asked)
  // A failure is told where the answer is shown.
  asked.catch(() => undefined)
}

/**
 * Asks a route of the server with a query, and again when either is another. What was answered before
 * is shown until the new answer is there. The server checks what it sends, so the shape of the answer
 * is trusted. Another `edition` asks the same again.
 */
export function useAnswer<Answer>(route: string, query: string, edition = ''): Asked<Answer> {
  const of = `data/${route}?${query}`
  const [asked, setAsked] = useState<Asked<Answer> & { readonly of: string }>({
    of,
    answer: (kept.get(of) as Answer | undefined) ?? null,
    failure: null,
    isWaiting: true,
  })
  useEffect(() => {
    const leaving = new AbortController()
    setAsked(({ answer }) => ({
      of,
      answer: (kept.get(of) as Answer | undefined) ?? answer,
      failure: null,
      isWaiting: true,
    }))
    const asking = (early.get(of) as Promise<Answer> | undefined) ?? ask<Answer>(of, leaving.signal)
    early.delete(of)
    asking.then(
      (answer) => {
        if (leaving.signal.aborted) return
        keep(of, answer)
        setAsked({ of, answer, failure: null, isWaiting: false })
      },
      (error: unknown) => {
        if (leaving.signal.aborted) return
        const failure = error instanceof Error ? error.message : String(error)
        setAsked({ of, answer: null, failure, isWaiting: false })
      },
    )
    return () => leaving.abort()
  }, [of, edition])
  return asked.of === of ? asked : { ...asked, isWaiting: true }
}

function keep(of: string, answer: unknown) {
  kept.delete(of)
  kept.set(of, answer)
  for (const oldest of [...kept.keys()].slice(0, -keptMax)) kept.delete(oldest)
}

async function ask<Answer>(address: string, signal?: AbortSignal): Promise<Answer> {
  const response = await fetch(address, { signal: signal ?? null }).catch((error: unknown) => {
    if (signal?.aborted) throw error
    throw new Error('The server does not answer. Is `cosell open` still running?')
  })
  readClock(response)
  if (response.ok) return (await response.json()) as Answer
  const failure = (await response.json().catch(() => null)) as Failure | null
  throw new Error(failure?.message ?? `The server answered with status ${response.status}.`)
}
