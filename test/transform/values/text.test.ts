import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cleanText, decodeEntities } from '../../../src/transform/values/text.ts'

describe('cleaning a text', () => {
  test.each([
    { wire: 'Contoso', text: 'Contoso', why: 'nothing to do' },
    { wire: '  Contoso \n', text: 'Contoso', why: 'white space around it' },
    { wire: 'Contoso  Ltd', text: 'Contoso  Ltd', why: 'white space inside is the source’s' },
    { wire: '\u00a0\u3000\ufeff\u2028Contoso\u2003\u202f', text: 'Contoso', why: 'Unicode spaces' },
    { wire: '\u0085 \u0085Contoso \u0085', text: 'Contoso', why: 'NEL, which trim() leaves' },
    { wire: '\u200bContoso', text: '\u200bContoso', why: 'zero width is not white space' },
    { wire: '', text: null, why: 'empty' },
    { wire: ' \t\u00a0 ', text: null, why: 'white space only' },
    { wire: '\u0085', text: null, why: 'NEL only' },
    { wire: '\u0085 \u0085 \u0085', text: null, why: 'NEL and spaces' },
    { wire: '🏢', text: '🏢', why: 'a character outside the first plane' },
  ])('cleanText: $why', ({ wire, text }) => expect(cleanText(wire)).toBe(text))

  test('cleanText twice equals cleanText once', () => {
    const unit = fc.constantFrom('a', ' ', '\u0085', '\u00a0', '\n', '\u200b')
    fc.assert(
      fc.property(fc.string({ unit }), (wire) => {
        const once = cleanText(wire)
        expect(once).toBe(once === null ? null : cleanText(once))
        expect(once ?? 'a').not.toMatch(/^[\p{White_Space}]|[\p{White_Space}]$/u)
      }),
    )
  })
})

describe('decoding entities', () => {
  test.each([
    { text: 'Fabrikam &amp; Sons', decoded: 'Fabrikam & Sons', why: 'an ampersand' },
    { text: '&lt;b&gt;&quot;x&quot;&apos;', decoded: `<b>"x"'`, why: 'the other basic ones' },
    { text: 'O&#39;Hara', decoded: "O'Hara", why: 'decimal' },
    { text: 'O&#x27;Hara &#X41;', decoded: "O'Hara A", why: 'hexadecimal, either case of x' },
    { text: 'a&nbsp;b', decoded: 'a\u00a0b', why: 'a no-break space' },
    { text: '&#0000000000039;', decoded: "'", why: 'leading zeros' },
    { text: '&#128512;', decoded: '😀', why: 'outside the first plane' },
    { text: '&#146;&#150;&#128;', decoded: '’–€', why: 'numbers of the Windows code page' },
    { text: '&#129;', decoded: '\ufffd', why: 'a gap in that code page' },
    { text: '&amp;lt;', decoded: '&lt;', why: 'once, not recursively' },
    { text: '&amp;amp;', decoded: '&amp;', why: 'an ampersand encoded twice' },
    { text: 'AT&T', decoded: 'AT&T', why: 'a bare ampersand' },
    { text: 'a & b; c', decoded: 'a & b; c', why: 'an ampersand and a semicolon apart' },
    { text: '&amp', decoded: '&amp', why: 'no semicolon' },
    { text: '&eacute;', decoded: '&eacute;', why: 'a name outside the basic ones' },
    { text: '&constructor;', decoded: '&constructor;', why: 'a name that every object has' },
    { text: '&#;&#x;&#xg;', decoded: '&#;&#x;&#xg;', why: 'no digits' },
    { text: '&#0;', decoded: '\ufffd', why: 'never a NUL' },
    { text: '&#xD800;', decoded: '\ufffd', why: 'never half a pair' },
    { text: '&#x110000;', decoded: '\ufffd', why: 'past the last character' },
    { text: `&#${'9'.repeat(400)};`, decoded: '\ufffd', why: 'past any number' },
    { text: 'no entity', decoded: 'no entity', why: 'nothing to do' },
  ])('decodeEntities: $why', ({ text, decoded }) => expect(decodeEntities(text)).toBe(decoded))

  test('decodeEntities restores any encoded text', () => {
    const encode = (text: string) =>
      [...text].map((character) => `&#${character.codePointAt(0)};`).join('')
    const unit = fc.string({ unit: 'binary' }).map((text) => text.replace(/[\0\u0080-\u009f]/g, ''))
    fc.assert(
      fc.property(unit, (text) => {
        expect(decodeEntities(encode(text))).toBe(text)
      }),
    )
  })
})
