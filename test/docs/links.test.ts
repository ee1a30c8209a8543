import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { anchor } from '../../src/dictionary/render/markdown.ts'
import { type MarkdownPage, markdownPages, pageNamed, root } from '../support/markdown.ts'

/** Anchors of a page; a heading that occurs again gets a number, as on GitHub. */
function anchorsOf({ prose }: MarkdownPage): Set<string> {
  const times = new Map<string, number>()
  return new Set(
    [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => {
      const name = anchor(heading.replace(/\[([^\]]+)\]\([^)]*\)/g, '$1'))
      const before = times.get(name) ?? 0
      times.set(name, before + 1)
      return before === 0 ? name : `${name}-${before}`
    }),
  )
}

function isBroken(page: MarkdownPage, target: string): boolean {
  const [file = '', fragment] = target.split('#')
  const name = file === '' ? page.name : path.join(path.dirname(page.name), file)
  if (name.startsWith('..') || !existsSync(path.join(root, name))) return true
  return fragment !== undefined && !anchorsOf(pageNamed(name)).has(fragment)
}

const decisions = readdirSync(path.join(root, 'docs/decisions')).filter((name) =>
  /^\d{4}-/.test(name),
)

describe('Markdown pages', () => {
  test.each(markdownPages)('every link of $name leads to a file and heading that exist', (page) => {
    const targets = [...page.prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
    const relative = targets.filter((target) => !/^https?:/.test(target))
    expect(relative.filter((target) => isBroken(page, target))).toEqual([])
  })

  test.each(markdownPages)('every file of the repository that $name names exists', ({ prose }) => {
    const named = [
      ...prose.matchAll(/`((?:src|test|sql|bench|scripts|docs|examples)\/[\w./-]+)`/g),
    ].map(([, name = '']) => name)
    expect(named.filter((name) => !existsSync(path.join(root, name)))).toEqual([])
  })

  test('README.md has at most 100 lines', () => {
    expect(pageNamed('README.md').text.trimEnd().split('\n').length).toBeLessThanOrEqual(100)
  })

  test('ARCHITECTURE.md names every folder of src', () => {
    const { text } = pageNamed('ARCHITECTURE.md')
    const folders = readdirSync(path.join(root, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `\`src/${entry.name}\``)
    expect(folders.filter((folder) => !text.includes(folder))).toEqual([])
  })

  test('every page of docs and examples can be reached from README.md', () => {
    const reached = new Set(['README.md'])
    for (const name of reached) {
      const { prose } = pageNamed(name)
      for (const [, target = ''] of prose.matchAll(/\]\(([^)#\s]+)/g)) {
        const next = path.join(path.dirname(name), target)
        const page = next.endsWith('.md') ? next : path.join(next, 'README.md')
        if (markdownPages.some((one) => one.name === page)) reached.add(page)
      }
    }
    expect(markdownPages.map(({ name }) => name).filter((name) => !reached.has(name))).toEqual([])
  })
})

describe('decisions', () => {
  test('the numbers of the decisions have no gap', () => {
    expect(decisions.sort().map((name) => Number(name.slice(0, 4)))).toEqual(
      decisions.map((_, index) => index + 1),
    )
  })

  test('docs/decisions/README.md lists every decision', () => {
    const { text } = pageNamed('docs/decisions/README.md')
    expect(decisions.filter((name) => !text.includes(`](${name})`))).toEqual([])
  })

  test.each(decisions)('decision %s has its sections', (name) => {
    const { text } = pageNamed(`docs/decisions/${name}`)
    const sections = [...text.matchAll(/^## (\w+)$/gm)].map(([, section = '']) => section)
    expect(sections.filter((section) => section !== 'Measured')).toEqual([
      'Context',
      'Decision',
      'Price',
      'Since',
    ])
  })

  test('code and SQL refer to decisions that exist', () => {
    const files = ['src', 'test', 'sql', 'bench', 'scripts'].flatMap((folder) =>
      readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(ts|mjs|sql)$/.test(name))
        .map((name) => path.join(folder, name)),
    )
    const broken = files.flatMap((file) =>
      [...readFileSync(path.join(root, file), 'utf8').matchAll(/decisions\/(\d{4}-[\w-]+)/g)]
        .map(([, name = '']) => name)
        .filter((name) => !decisions.includes(`${name}.md`))
        .map((name) => `${file}: ${name}`),
    )
    expect(broken).toEqual([])
  })
})
