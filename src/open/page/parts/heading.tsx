import { useEffect, useRef } from 'preact/hooks'

let hasOpened = false

/**
 * Heading of what is open, and the title of the window. It takes the focus when something else is
 * opened, so that a screen reader reads on from there; not when the page itself opens.
 */
export function Heading({ text }: { readonly text: string }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    if (hasOpened) heading.current?.focus({ preventScroll: true })
    hasOpened = true
  }, [])
  useEffect(() => {
    document.title = `${text} · Co-sell`
  }, [text])
  return (
    <h1 ref={heading} tabIndex={-1}>
      <bdi>{text}</bdi>
    </h1>
  )
}
