/**
 * Parses JSON without losing what JavaScript or PostgreSQL cannot hold.
 *
 * A number with more than 15 digits, with an exponent, or below one millionth becomes a string of
 * the same characters; all others pass through a double unchanged. U+0000 and unpaired surrogates
 * in strings become U+FFFD: PostgreSQL rejects them (22021, 22P05, 22P02).
 *
 * @throws SyntaxError exactly where `JSON.parse` does
 */
export function parseJson(text: string): unknown {
  return JSON.parse(mayNeedRepair(text) ? repair(text) : text)
}

// Over-cautious: these also match inside strings, which then only costs the slower path. Measured on
// a page of 376 KB, in one run: with these tests 1.4 times JSON.parse alone, with the repair 4.3 times.
// With `\s`, which also matches blanks that JSON does not allow, the first is a quarter slower.
const suspectNumber = /[:,[][ \t\n\r]*-?\d(?:[\d.]{15}|[\d.]*[eE]|\.0{6})/
const suspectEscape = /\\u(?:0000|[dD][89a-fA-F])/
// Four times as fast as /\p{Cs}/u, which matches the same.
const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

function mayNeedRepair(text: string): boolean {
  return (
    suspectNumber.test(text) ||
    (text.includes('\\u') && suspectEscape.test(text)) ||
    !text.isWellFormed()
  )
}

function repair(text: string): string {
  const pieces: string[] = []
  const token = /"|-?\d[\d.eE+-]*/g
  let copied = 0
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    const isString = found[0] === '"'
    const end = isString ? endOfString(text, found.index) : token.lastIndex
    const before = text.slice(found.index, end)
    const after = isString ? repairString(before) : repairNumber(before, text, end)
    if (after !== before) {
      pieces.push(text.slice(copied, found.index), after)
      copied = end
    }
    token.lastIndex = end
  }
  pieces.push(text.slice(copied))
  return pieces.join('')
}

/** Index after the closing quote. A regular expression would exhaust its stack on long strings. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0
    while (text[quote - 1 - backslashes] === '\\') backslashes += 1
    if (backslashes % 2 === 0) return quote + 1
  }
  return text.length
}

function repairString(quoted: string): string {
  const paired = quoted.replace(loneSurrogate, '\ufffd')
  if (!suspectEscape.test(paired)) return paired
  return paired.replace(
    /\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(\\u(?:0000|[dD][89a-fA-F]..))|\\./gs,
    (whole, unstorable) => (unstorable === undefined ? whole : '\\ufffd'),
  )
}

function repairNumber(number: string, text: string, end: number): string {
  const valid = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(number)
  // A number in place of a key is a syntax error and has to stay one.
  if (!valid || /^\s*:/.test(text.slice(end, end + 64))) return number
  const digits = number.replace(/[-.]/g, '')
  const isExact = digits.length <= 15 && !/[eE]/.test(digits) && !/^-?0\.0{6}/.test(number)
  return isExact ? number : `"${number}"`
}
