import { readAmount } from './amounts.ts'
import type { ReadCell } from './cell.ts'
import { type Fault, shown } from './problem.ts'

// Cells that hold several values, separated by commas. A spreadsheet takes them for text, so that
// their decimals keep the point whatever its country.

/**
 * Returns the solution of a cell `id, currency, price, quantity`, of which the id alone is needed.
 * What cannot be read beside the id is left out.
 */
export function readSolution(cell: string): ReadCell {
  const parts = cell.split(',').map((part) => part.trim())
  while (parts.at(-1) === '') parts.pop()
  const [id = '', currency = '', price = '', quantity = ''] = parts
  if (!/^[\w.-]{1,100}$/.test(id)) {
    return { text: '', value: null, fault: solutionFault(`${shown(cell)} without an id`) }
  }
  const amounts = [price, quantity].map((part) => (part === '' ? '' : readAmount(part, 'point')))
  const isCurrency = /^[A-Za-z]{0,3}$/.test(currency) && currency.length % 3 === 0
  if (parts.length > 4 || !isCurrency || amounts.includes(null)) {
    const got = parts.length > 4 ? `${parts.length} values` : 'other values behind the id'
    return { text: id, value: { id }, fault: solutionFault(got) }
  }
  const [priceText = '', quantityText = ''] = amounts.map((amount) => amount ?? '')
  const values = {
    id,
    ...(currency === '' ? {} : { currency: currency.toUpperCase() }),
    ...(priceText === '' ? {} : { price: priceText }),
    ...(quantityText === '' ? {} : { quantity: quantityText }),
  }
  const all = [id, currency.toUpperCase(), priceText, quantityText]
  while (all.at(-1) === '') all.pop()
  return { text: all.join(', '), value: values, fault: null }
}

function solutionFault(got: string): Fault {
  return {
    code: 'invalid',
    expected: 'a solution such as SOL-1234-PQRS, USD, 10, 100',
    got,
    remedy: 'correct the cell, then import the file again',
  }
}

/**
 * Returns the person of a cell `first name, last name, phone number, e-mail`. Commas beyond the
 * third belong to the last name; fewer than four values are distinguished by the at sign.
 */
export function readPerson(cell: string): ReadCell {
  const parts = cell.split(',').map((part) => part.trim())
  const email = (parts.at(-1) ?? '').includes('@') ? parts.pop() : undefined
  const phoneNumber = parts.length > 2 ? parts.pop() : undefined
  const [firstName = '', ...rest] = parts
  const person = { firstName, lastName: rest.join(', '), phoneNumber, email }
  const value = Object.fromEntries(
    Object.entries(person).filter((entry): entry is [string, string] => !!entry[1]),
  )
  const text = [firstName, person.lastName, phoneNumber ?? '', email ?? ''].join(', ')
  return { text, value, fault: null }
}
