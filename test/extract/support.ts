import { pino } from 'pino'
import type { Page } from '../../src/extract/api/page.ts'
import {
  createReferralsApi,
  type ReferralsApi,
  type ReferralsApiOptions,
} from '../../src/extract/api/referrals-api.ts'
import type { TokenStore } from '../../src/extract/auth/token-store.ts'
import { createVirtualClock } from './virtual-clock.ts'

export interface MemoryStore extends TokenStore {
  readonly saved: string[]
}

export function memoryStore(token: string | null = null): MemoryStore {
  const saved: string[] = []
  return {
    saved,
    load: async () => saved.at(-1) ?? token,
    save: async (refreshToken) => void saved.push(refreshToken),
  }
}

/** Timeouts that no healthy answer reaches, on a busy machine either. */
export const longTimeouts = {
  connectMs: 10_000,
  headersMs: 20_000,
  bodyIdleMs: 20_000,
  totalMs: 40_000,
}

/** Short timeouts that a test can wait for: sockets do not use the virtual clock. */
const timeouts = { connectMs: 500, headersMs: 300, bodyIdleMs: 300, totalMs: 600 }

/** Runs `use` with an API client that has an access token and a virtual clock, then closes it. */
export async function withApi<T>(
  url: string,
  options: Partial<ReferralsApiOptions>,
  use: (api: ReferralsApi) => Promise<T>,
): Promise<T> {
  const api = createReferralsApi({
    apiUrl: url,
    authorityUrl: url,
    accessToken: 'given-token',
    tokenStore: memoryStore(),
    pageSize: 3,
    requestsPerMinute: 6_000,
    concurrency: 8,
    clock: createVirtualClock(),
    random: () => 0.5,
    timeouts,
    network: {},
    log: pino({ level: 'silent' }),
    ...options,
  })
  try {
    return await use(api)
  } finally {
    await api.close()
  }
}

export const firstPage = { orderBy: 'createdDateTime asc' } as const

export function aReferral(id: string, updated = '2026-01-01T00:00:00Z') {
  return { id, createdDateTime: '2025-01-01T00:00:00Z', updatedDateTime: updated }
}

export function idsOf(pages: readonly Page[]): string[][] {
  return pages.map((page) => page.referrals.map((referral) => (referral as { id: string }).id))
}

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of source) all.push(one)
  return all
}
