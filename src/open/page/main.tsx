import { render } from 'preact'
import { Page } from './app.tsx'
import { askEarly } from './state/ask.ts'
import { listQuery, readPlace } from './state/place.ts'

const place = readPlace(location.search)
const { view, choice, list, referral } = place
if (referral !== null) askEarly('referral', referral)
else if (list !== null) askEarly('list', listQuery({ ...place, list }, true))
else askEarly(view, String(choice))

render(<Page />, document.body)
