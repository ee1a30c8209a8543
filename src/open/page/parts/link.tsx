import type { ComponentChildren } from 'preact'
import type { Drill, Figure } from '../../answers.ts'
import { goTo } from '../state/navigation.ts'
import { type Place, writePlace } from '../state/place.ts'
import { useShown } from '../state/shown.ts'

interface LinkProps {
  readonly to: Place
  /** Name for screen readers, which begins with what is seen. */
  readonly label?: string | undefined
  readonly current?: boolean
  readonly children: ComponentChildren
}

/** Link to another place in the page. With a key held down it is opened as browsers do it. */
export function Go({ to, label, current = false, children }: LinkProps) {
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) {
      return
    }
    event.preventDefault()
    goTo(to)
  }
  return (
    <a
      href={writePlace(to)}
      onClick={follow}
      aria-label={label}
      aria-current={current ? 'page' : undefined}
    >
      {children}
    </a>
  )
}

/** Place of the rows behind a number. */
export function placeOfRows(place: Place, drill: Drill): Place {
  const list = { rows: drill, sort: '', isDescending: false, search: '', page: 1 }
  return { ...place, list, referral: null }
}

/** Number that leads to its rows; one without rows leads nowhere. */
export function RowsLink(props: {
  readonly drill: Drill
  readonly count: number
  readonly label: string
  readonly children: ComponentChildren
}) {
  const { place } = useShown()
  const { drill, count, label, children } = props
  if (count === 0) return <span class="number">{children}</span>
  return (
    <span class="number">
      <Go to={placeOfRows(place, drill)} label={label}>
        {children}
      </Go>
    </span>
  )
}

/** Goes to the rows behind a bar that was clicked. */
export function goToRows(place: Place, figure: Pick<Figure, 'count' | 'drill'> | undefined): void {
  if (figure !== undefined && figure.count > 0) goTo(placeOfRows(place, figure.drill))
}
