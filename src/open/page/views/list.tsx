import { useEffect, useRef, useState } from 'preact/hooks'
import { counted, whole } from '../../../report/page/format.ts'
import type { Column, ListAnswer } from '../../answers.ts'
import { Answered } from '../parts/answered.tsx'
import { Cells, Wide } from '../parts/cells.tsx'
import { Heading } from '../parts/heading.tsx'
import { useAnswer } from '../state/ask.ts'
import { goTo } from '../state/navigation.ts'
import { listQuery, type OpenList, type Place } from '../state/place.ts'

type ListPlace = Place & { readonly list: OpenList }

/** Time without a key after which a search is sent. */
const searchDelayMs = 250

/** The rows behind a number: searched, sorted and paged by the server, or all of them as a file. */
export function ListView({ place }: { readonly place: ListPlace }) {
  const asked = useAnswer<ListAnswer>('list', listQuery(place, true))
  return (
    <>
      <Heading text={asked.answer?.title ?? 'List'} />
      <div class="tools">
        <Search place={place} />
        <a href={`data/list.csv?${listQuery(place, false)}`} download>
          Download as CSV
        </a>
      </div>
      <Answered asked={asked}>{(answer) => <List place={place} answer={answer} />}</Answered>
    </>
  )
}

function Search({ place }: { readonly place: ListPlace }) {
  const [typed, setTyped] = useState(place.list.search)
  const latest = useRef(place)
  latest.current = place
  // The address may change by Back and Forward.
  useEffect(() => setTyped(place.list.search), [place.list.search])
  useEffect(() => {
    if (typed === latest.current.list.search) return
    const timer = setTimeout(() => {
      const { list } = latest.current
      goTo({ ...latest.current, list: { ...list, search: typed, page: 1 } }, false)
    }, searchDelayMs)
    return () => clearTimeout(timer)
  }, [typed])
  return (
    <label>
      Search{' '}
      <input
        type="search"
        value={typed}
        maxLength={200}
        onInput={({ currentTarget }) => setTyped(currentTarget.value)}
      />
    </label>
  )
}

function List({ place, answer }: { readonly place: ListPlace; readonly answer: ListAnswer }) {
  const { title, columns, rows, total, page } = answer
  const table = useRef<HTMLElement>(null)
  const isTurned = useRef(false)
  // The buttons are below the table, and one that is disabled loses the focus.
  useEffect(() => {
    if (isTurned.current) table.current?.focus({ preventScroll: true })
    if (isTurned.current) table.current?.scrollIntoView()
    isTurned.current = false
  }, [page])
  const turn = (to: number) => {
    isTurned.current = true
    goTo({ ...place, list: { ...place.list, page: to } })
  }
  return (
    <>
      <p class="quiet">{counted(total, 'row')}</p>
      {rows.length === 0 ? (
        <p class="quiet">None.</p>
      ) : (
        <Wide label={title} frame={table}>
          <table class="list">
            <thead>
              <tr>
                {columns.map((column) => (
                  <Head key={column.name} column={column} place={place} answer={answer} />
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, index) => (
                <Cells key={index} columns={columns} row={row} />
              ))}
            </tbody>
          </table>
        </Wide>
      )}
      <Pages answer={answer} turn={turn} />
    </>
  )
}

/** Heading that sorts: texts and days up, numbers down, and the other way when it sorts already. */
function Head(props: {
  readonly column: Column
  readonly place: ListPlace
  readonly answer: ListAnswer
}) {
  const { column, place, answer } = props
  const isSorted = answer.sort === column.name
  const isDescending = isSorted && answer.is_descending
  const isNumber = column.kind === 'amount' || column.kind === 'number'
  const next = { sort: column.name, isDescending: isSorted ? !isDescending : isNumber, page: 1 }
  return (
    <th
      scope="col"
      class={isNumber ? 'right' : undefined}
      aria-sort={isSorted ? (isDescending ? 'descending' : 'ascending') : undefined}
    >
      <button type="button" onClick={() => goTo({ ...place, list: { ...place.list, ...next } })}>
        {column.label}
        <span aria-hidden="true">{isSorted ? (isDescending ? ' ↓' : ' ↑') : ''}</span>
      </button>
    </th>
  )
}

function Pages(props: { readonly answer: ListAnswer; readonly turn: (to: number) => void }) {
  const { answer, turn } = props
  const { page, page_size: size, total } = answer
  const last = Math.max(1, Math.ceil(total / size))
  if (last === 1) return null
  return (
    <nav class="tools" aria-label="Pages">
      <button type="button" disabled={page <= 1} onClick={() => turn(page - 1)}>
        Previous
      </button>
      <span>
        {whole((page - 1) * size + 1)} to {whole(Math.min(page * size, total))} of {whole(total)}
      </span>
      <button type="button" disabled={page >= last} onClick={() => turn(page + 1)}>
        Next
      </button>
    </nav>
  )
}
