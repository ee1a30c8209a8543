import { useEffect, useState } from 'preact/hooks'
import { openedAt, type Place, readPlace, writePlace } from './place.ts'

const moved = new EventTarget()

/** Place that the address bar names; the component is drawn anew when it is another. */
export function usePlace(): Place {
  const [query, setQuery] = useState(location.search)
  useEffect(() => {
    const follow = () => setQuery(location.search)
    moved.addEventListener('moved', follow)
    addEventListener('popstate', follow)
    return () => {
      moved.removeEventListener('moved', follow)
      removeEventListener('popstate', follow)
    }
  }, [])
  return readPlace(query)
}

/** Goes to a place. While somebody types or drags, `isStep` is false: one press of Back undoes it all. */
export function goTo(place: Place, isStep = true): void {
  const query = writePlace(place)
  if (query === location.search) return
  const isOther = openedAt(place) !== openedAt(readPlace(location.search))
  if (isStep) history.pushState(null, '', query)
  else history.replaceState(null, '', query)
  moved.dispatchEvent(new Event('moved'))
  if (isOther) scrollTo(0, 0)
}
