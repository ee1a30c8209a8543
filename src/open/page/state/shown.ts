import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Choices } from '../../answers.ts'
import type { Money } from './money.ts'
import type { Place } from './place.ts'

/** What every part of the page may need: where the reader is, and how amounts are shown. */
export interface Shown {
  readonly place: Place
  readonly choices: Choices
  readonly money: Money
}

export const ShownContext = createContext<Shown | null>(null)

export function useShown(): Shown {
  const shown = useContext(ShownContext)
  if (shown === null) throw new Error('a part of the page is drawn outside of it')
  return shown
}
