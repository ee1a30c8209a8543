import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Choice } from '../../answers.ts'
import { addDays, daysBetween, isDay, monthEndBefore, yearBefore } from '../state/days.ts'
import { goTo } from '../state/navigation.ts'
import { chooseDays, firstPage } from '../state/place.ts'
import { useShown } from '../state/shown.ts'

/** Moves of the slider within this time of one another are one. */
const oneMoveMs = 2000

/** The day as of which all is shown, with a slider, and the day that it is compared with. */
export function Days({ choice }: { readonly choice: Pick<Choice, 'as_of' | 'compare'> }) {
  const { place, choices } = useShown()
  const { as_of: asOf, compare } = choice
  const earliest = choices.first_day ?? choices.today
  const [dragged, setDragged] = useState(asOf)
  // Before the next key: an effect after the paint would undo a key that was pressed meanwhile.
  useLayoutEffect(() => setDragged(asOf), [asOf])
  const movedAt = useRef(Number.NEGATIVE_INFINITY)
  const goToDays = (picked: string | null, other: string | null, isStep = true) => {
    const day = picked ?? asOf
    // While a year is typed, the field has days such as 0002-06-30.
    if (!isDay(day) || day < '2000' || day > choices.today) return
    if (other !== null && other < '2000') return
    // The preset of the day that is compared with follows the other day.
    const kept = other !== null && isDay(other) && other <= day ? other : null
    goTo(firstPage({ ...place, choice: chooseDays(place.choice, picked, kept) }), isStep)
  }
  const chosenCompare = place.choice.get('compare')
  const before = {
    'a week': addDays(asOf, -7),
    'the month end': monthEndBefore(asOf),
    'a year': yearBefore(asOf),
  }
  return (
    <fieldset class="days">
      <legend class="hidden">Days</legend>
      <label>
        As of{' '}
        <input
          type="date"
          min={earliest}
          max={choices.today}
          value={dragged}
          onChange={({ currentTarget: { value } }) => goToDays(value, chosenCompare)}
        />
      </label>
      <input
        type="range"
        aria-label="As of, as a slider"
        aria-valuetext={dragged}
        min={0}
        max={daysBetween(earliest, choices.today)}
        value={daysBetween(earliest, dragged)}
        onInput={({ currentTarget }) => setDragged(addDays(earliest, Number(currentTarget.value)))}
        onChange={({ currentTarget, timeStamp }) => {
          // A key that is held moves it day by day, which is one step back.
          const isStep = timeStamp - movedAt.current > oneMoveMs
          movedAt.current = timeStamp
          goToDays(addDays(earliest, Number(currentTarget.value)), chosenCompare, isStep)
        }}
      />
      <label>
        against{' '}
        <input
          type="date"
          max={asOf}
          value={compare}
          onChange={({ currentTarget: { value } }) => goToDays(null, value)}
        />
      </label>
      <span class="quick">
        {Object.entries(before).map(([name, day]) => (
          <button
            type="button"
            key={name}
            class="plain"
            aria-pressed={day === compare}
            onClick={() => goToDays(null, day)}
          >
            {name} before
          </button>
        ))}
      </span>
    </fieldset>
  )
}
