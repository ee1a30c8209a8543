import type { ComponentChildren } from 'preact'
import type { Asked } from '../state/ask.ts'

/** What went wrong, and a way to ask again. */
export function Failed({ message }: { readonly message: string }) {
  return (
    <div class="failure" role="alert">
      <p>{message}</p>
      <button type="button" onClick={() => location.reload()}>
        Try again
      </button>
    </div>
  )
}

/** Draws an answer when it is there; the one before stays, faint, while another is waited for. */
export function Answered<Answer>(props: {
  readonly asked: Asked<Answer>
  readonly children: (answer: Answer) => ComponentChildren
}) {
  const { answer, failure, isWaiting } = props.asked
  return (
    <>
      <p class="hidden" role="status">
        {isWaiting ? 'Loading …' : failure === null ? 'Loaded.' : ''}
      </p>
      {failure !== null && <Failed message={failure} />}
      {failure === null && answer === null && <p aria-hidden="true">Loading …</p>}
      {failure === null && answer !== null && (
        <div aria-busy={isWaiting}>{props.children(answer)}</div>
      )}
    </>
  )
}

/** Sentences on what a view shows and leaves out. */
export function Notes({ notes }: { readonly notes: readonly string[] }) {
  return notes.map((note) => (
    <p class="quiet" key={note}>
      {note}
    </p>
  ))
}
