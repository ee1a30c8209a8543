import type { Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import type { Visit } from './browser.ts'

/** Opens an address of the page of `cosell open`, and waits until every figure of it is there. */
export async function openAt(
  visit: (url: string) => Promise<Visit>,
  url: string,
  width = 1280,
): Promise<Visit> {
  const opened = await visit(url)
  await opened.page.setViewportSize({ width, height: 900 })
  await settled(opened.page)
  return opened
}

/** Waits in steps: the content policy of the page keeps Playwright from waiting inside of it. */
export async function settled(page: Page): Promise<void> {
  const isSettled = `document.querySelector('h1') !== null
    && document.querySelectorAll('[aria-busy=true]').length === 0
    && ![...document.querySelectorAll('[role=status]')]
      .some(({ textContent }) => textContent.startsWith('Loading'))`
  await expect.poll(() => page.evaluate(isSettled), { timeout: 20_000 }).toBe(true)
}

export function figureOf(page: Page, title: string): Locator {
  return page.getByRole('figure', { name: title, exact: true })
}
