import { sharedMin } from '../../load/runs/account-source.ts'

/** A new account whose first page another new one of the same command has read too. */
export interface Twin {
  readonly name: string
  readonly shared: number
}

/**
 * First pages of the new accounts of one command. Side by side, two names of one source would both be
 * entered before a referral of either has landed, where the warehouse could tell.
 */
export class FirstPages {
  readonly #pages = new Map<string, ReadonlySet<string>>()

  /** Keeps the page of an account, unless an earlier one has at least half of its referrals. */
  claim(name: string, referralIds: readonly string[]): Twin | undefined {
    const ids = new Set(referralIds)
    for (const [other, known] of this.#pages) {
      const shared = [...ids].filter((id) => known.has(id)).length
      if (other !== name && shared > 0 && shared >= ids.size * sharedMin)
        return { name: other, shared }
    }
    this.#pages.set(name, ids)
    return undefined
  }
}
