import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** Folder of the repository. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

export interface MarkdownPage {
  /** Path from the root of the repository. */
  readonly name: string
  readonly text: string
  /** Text without its fenced blocks. */
  readonly prose: string
}

export interface FencedBlock {
  readonly page: string
  readonly language: string
  readonly text: string
}

const fence = /^```(\w*)\n([\s\S]*?)^```$/gm

/** Every Markdown page of the repository, the generated ones included. */
export const markdownPages: readonly MarkdownPage[] = [
  ...readdirSync(root),
  ...['docs', 'examples'].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
      path.join(folder, name),
    ),
  ),
]
  .filter((name) => name.endsWith('.md'))
  .sort()
  .map((name) => {
    const text = readFileSync(path.join(root, name), 'utf8')
    return { name, text, prose: text.replace(fence, '') }
  })

/** Fenced blocks of one language on every page. */
export function fencedBlocks(language: string): FencedBlock[] {
  return markdownPages.flatMap(({ name, text }) =>
    [...text.matchAll(fence)]
      .filter(([, written]) => written === language)
      .map(([, , block = '']) => ({ page: name, language, text: block })),
  )
}

export function pageNamed(name: string): MarkdownPage {
  const page = markdownPages.find((one) => one.name === name)
  if (page === undefined) throw new Error(`${name} is missing`)
  return page
}
