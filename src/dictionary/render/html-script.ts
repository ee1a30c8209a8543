/**
 * Script of the dictionary: search over measures, tables and columns, and tables that open and close. The page
 * is complete without it, but for the search box, which it shows.
 */
export const pageScript = `
const box = document.querySelector('#search')
const status = document.querySelector('#found')
const entries = [...document.querySelectorAll('details.entry')].map((element) => ({
  element,
  section: element.closest('section'),
  text: element.querySelector('.about').textContent.toLowerCase() + ' ' + element.dataset.name,
  rows: [...element.querySelectorAll('.columns tbody tr')].map((row) => ({
    row,
    text: element.dataset.name + ' ' + row.textContent.toLowerCase(),
  })),
}))
const measures = [...document.querySelectorAll('#measures tbody tr')].map((row) => ({
  row,
  text: row.textContent.toLowerCase(),
}))
const links = [...document.querySelectorAll('nav a[data-table]')]

function search() {
  const words = box.value.toLowerCase().split(/\\s+/).filter((word) => word !== '')
  const isSearching = words.length > 0
  const has = (text) => words.every((word) => text.includes(word))
  document.body.classList.toggle('searching', isSearching)
  let columns = 0
  const found = new Set()
  const sections = new Set()
  for (const { element, section, text, rows } of entries) {
    const isWhole = !isSearching || has(text)
    let shown = 0
    for (const { row, text: own } of rows) {
      row.hidden = !isWhole && !has(own)
      if (!row.hidden) shown++
    }
    element.hidden = shown === 0
    element.open = isSearching && shown > 0 && (!isWhole || element.dataset.name === words.join(' '))
    if (element.hidden) continue
    columns += shown
    found.add(element.dataset.name)
    sections.add(section)
  }
  for (const section of new Set(entries.map((entry) => entry.section))) {
    section.hidden = !sections.has(section)
  }
  let figures = 0
  for (const { row, text } of measures) {
    row.hidden = isSearching && !has(text)
    if (!row.hidden) figures++
  }
  for (const table of document.querySelectorAll('#measures .scroll')) {
    table.hidden = table.querySelector('tbody tr:not([hidden])') === null
  }
  document.querySelector('#measures').hidden = figures === 0
  for (const link of links) link.parentElement.hidden = !found.has(link.dataset.table)
  const counted = (count, noun) => count + ' ' + noun + (count === 1 ? '' : 's')
  const parts = [
    ...(figures > 0 ? [counted(figures, 'measure')] : []),
    ...(columns > 0 ? [counted(columns, 'column') + ' in ' + counted(found.size, 'table')] : []),
  ]
  status.textContent = isSearching ? parts.join(', ') || 'Nothing has these words.' : ''
}

function openAll(isOpen) {
  for (const { element } of entries) element.open = isOpen
}

box.addEventListener('input', search)
box.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return
  box.value = ''
  search()
})
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.target === box) return
  event.preventDefault()
  box.focus()
})
document.querySelector('#open').addEventListener('click', () => openAll(true))
document.querySelector('#close').addEventListener('click', () => openAll(false))
document.addEventListener('click', (event) => {
  const link = event.target.closest('a[href^="#"]')
  const target = link && document.getElementById(link.getAttribute('href').slice(1))
  if (!target) return
  if (document.body.classList.contains('searching') && !link.closest('nav li, .columns')) {
    box.value = ''
    search()
  }
  const entry = target.closest('details.entry')
  if (entry?.hidden) {
    box.value = ''
    search()
  }
  if (entry) entry.open = true
})
addEventListener('beforeprint', () => openAll(true))
document.querySelector('#tools').hidden = false
`
