import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { countryName } from '../../../report/page/format.ts'
import type { Choices, Option } from '../../answers.ts'
import { goTo } from '../state/navigation.ts'
import { choose, firstPage, type ListFilter, type Place } from '../state/place.ts'
import { useShown } from '../state/shown.ts'

/** Options above which a filter has a field to search them. */
const searchedFrom = 9

/** The filters, the currency, and a way to clear them. */
export function Filters() {
  const { place, choices } = useShown()
  const { choice } = place
  const areas = choice.getAll('area')
  const plays = choices.plays.filter(({ area }) => areas.length === 0 || areas.includes(area))
  const isFiltered = [...choice.keys()].some((name) => name !== 'as_of' && name !== 'compare')
  return (
    <fieldset class="filters">
      <legend class="hidden">Filters</legend>
      <Filter name="account" label="Account" options={choices.accounts} />
      <Filter name="period" label="Fiscal period" options={choices.periods} />
      <Filter name="area" label="Solution area" options={choices.areas} />
      <Filter name="play" label="Solution play" options={withoutTwins(plays)} />
      <Filter name="country" label="Country" options={choices.countries.map(named)} />
      <Filter name="deal_type" label="Deal type" options={choices.deal_types} />
      <Currency choices={choices} place={place} />
      {isFiltered && (
        <button type="button" class="plain" onClick={() => goTo(withoutFilters(place))}>
          Clear filters
        </button>
      )}
    </fieldset>
  )
}

const named = ({ value }: Option): Option => ({ value, label: countryName(value) })

/** The same play may be in several areas. */
function withoutTwins(options: readonly Option[]): readonly Option[] {
  return [...new Map(options.map((option) => [option.value, option])).values()]
}

/** A place with everything in it, on the days that are chosen. */
function withoutFilters(place: Place): Place {
  const days = [...place.choice].filter(([name]) => name === 'as_of' || name === 'compare')
  return firstPage({ ...place, choice: new URLSearchParams(days) })
}

interface FilterProps {
  readonly name: ListFilter
  readonly label: string
  readonly options: readonly Option[]
}

/** Button that opens a panel of boxes to tick. */
function Filter({ name, label, options }: FilterProps) {
  const { place } = useShown()
  const [isOpen, setOpen] = useState(false)
  const panel = useId()
  const frame = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const chosen = place.choice.getAll(name)
  // Before the next key, which may be typed at once.
  useLayoutEffect(() => {
    if (!isOpen) return
    frame.current?.querySelector('input')?.focus()
    const leave = ({ target }: Event) => {
      if (target instanceof Node && !frame.current?.contains(target)) setOpen(false)
    }
    const close = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return
      setOpen(false)
      button.current?.focus()
    }
    document.addEventListener('keydown', close)
    document.addEventListener('pointerdown', leave)
    document.addEventListener('focusin', leave)
    return () => {
      document.removeEventListener('keydown', close)
      document.removeEventListener('pointerdown', leave)
      document.removeEventListener('focusin', leave)
    }
  }, [isOpen])
  return (
    <div class="filter" ref={frame}>
      <button
        type="button"
        ref={button}
        aria-expanded={isOpen}
        aria-controls={isOpen ? panel : undefined}
        class={chosen.length > 0 ? 'chosen' : undefined}
        onClick={() => setOpen(!isOpen)}
      >
        {label}: <bdi>{summary(chosen, options)}</bdi>
      </button>
      {isOpen && <Boxes id={panel} name={name} label={label} options={options} />}
    </div>
  )
}

function summary(chosen: readonly string[], options: readonly Option[]): string {
  if (chosen.length === 0) return 'all'
  if (chosen.length > 1) return `${chosen.length} of ${options.length}`
  return options.find(({ value }) => value === chosen[0])?.label ?? chosen[0] ?? ''
}

function Boxes({ id, name, label, options }: FilterProps & { readonly id: string }) {
  const { place } = useShown()
  const [search, setSearch] = useState('')
  const chosen = place.choice.getAll(name)
  // What is chosen stays in sight, also what no referral has.
  const strangers = chosen.filter((one) => options.every(({ value }) => value !== one))
  const all = [...options, ...strangers.map((value) => ({ value, label: value }))]
  const shown = all.filter((one) => one.label.toLowerCase().includes(search.toLowerCase()))
  const pick = (values: readonly string[]) =>
    goTo(firstPage({ ...place, choice: choose(place.choice, name, values) }))
  const tick = (value: string, isTicked: boolean) =>
    pick(isTicked ? [...chosen, value] : chosen.filter((one) => one !== value))
  return (
    <fieldset id={id} class="boxes">
      <legend class="hidden">{label}</legend>
      {options.length >= searchedFrom && (
        <input
          type="search"
          aria-label={`Search ${label.toLowerCase()}`}
          placeholder="Search"
          value={search}
          onInput={({ currentTarget }) => setSearch(currentTarget.value)}
        />
      )}
      <div class="options">
        {shown.map((option) => (
          <label key={option.value}>
            <input
              type="checkbox"
              checked={chosen.includes(option.value)}
              onChange={({ currentTarget }) => tick(option.value, currentTarget.checked)}
            />{' '}
            <bdi>{option.label}</bdi>
          </label>
        ))}
        {shown.length === 0 && <p class="quiet">None.</p>}
      </div>
      {chosen.length > 0 && (
        <button type="button" class="plain" onClick={() => pick([])}>
          All
        </button>
      )}
    </fieldset>
  )
}

function Currency({ choices, place }: { readonly choices: Choices; readonly place: Place }) {
  const chosen = place.choice.get('currency') ?? ''
  const all = choices.is_converted ? `all, in ${choices.reporting_currency}` : 'all, each by itself'
  return (
    <label class="filter">
      Currency:{' '}
      <select
        value={chosen}
        class={chosen === '' ? undefined : 'chosen'}
        onChange={({ currentTarget: { value } }) =>
          goTo(
            firstPage({ ...place, choice: choose(place.choice, 'currency', value ? [value] : []) }),
          )
        }
      >
        <option value="">{all}</option>
        {choices.currencies.map(({ value, label }) => (
          <option key={value} value={value}>
            {value === label ? `only ${value}` : `only ${value}, ${label}`}
          </option>
        ))}
      </select>
    </label>
  )
}
