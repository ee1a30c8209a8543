import { exact } from '../../../report/page/format.ts'
import type { Amounts, CurrencyAmount } from '../../answers.ts'
import { sumOf } from '../state/money.ts'
import { useShown } from '../state/shown.ts'

/** Exact sum, with the amounts that are in no sum below it. */
export function Amount({ amounts }: { readonly amounts: Amounts }) {
  const { money } = useShown()
  if (money.kind === 'each') return <Currencies of={amounts.by_currency} />
  const sum = sumOf(money, amounts)
  return (
    <>
      <span class="number">{sum === null ? '–' : exact(sum, money.minorUnit)}</span>
      {money.kind === 'converted' &&
        amounts.unconverted.map((one) => (
          <small key={one.currency_code}>
            + <Currency of={one} />
          </small>
        ))}
    </>
  )
}

function Currencies({ of }: { readonly of: readonly CurrencyAmount[] }) {
  if (of.length === 0) return <span class="number">–</span>
  return of.map((one) => (
    <span class="each" key={one.currency_code}>
      <Currency of={one} />
    </span>
  ))
}

function Currency({ of: { currency_code, amount, minor_unit } }: { readonly of: CurrencyAmount }) {
  return (
    <span class="number">
      <bdi>{currency_code}</bdi> {exact(amount, minor_unit)}
    </span>
  )
}
