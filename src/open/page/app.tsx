import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { minute } from '../../report/page/format.ts'
import type { Choices } from '../answers.ts'
import { Failed } from './parts/answered.tsx'
import { Days } from './parts/days.tsx'
import { Filters } from './parts/filters.tsx'
import { Heading } from './parts/heading.tsx'
import { Go } from './parts/link.tsx'
import { useAnswer, useNewDay } from './state/ask.ts'
import { addDays, daysBetween, isDay } from './state/days.ts'
import { moneyOf } from './state/money.ts'
import { usePlace } from './state/navigation.ts'
import { type Place, type View, views } from './state/place.ts'
import { type Shown, ShownContext } from './state/shown.ts'
import { FunnelView } from './views/funnel.tsx'
import { ListView } from './views/list.tsx'
import { PipelineView } from './views/pipeline.tsx'
import { QualityView } from './views/quality.tsx'
import { ReferralView } from './views/referral.tsx'
import { RegistrationsView } from './views/registrations.tsx'
import { WonView } from './views/won.tsx'

const titles: Readonly<Record<View, string>> = {
  pipeline: 'Pipeline',
  funnel: 'Funnel',
  won: 'Won and ACV',
  registrations: 'Registrations and expiry',
  quality: 'Data quality',
}

/** The whole page. */
export function Page() {
  const place = usePlace()
  const { answer: choices, failure } = useAnswer<Choices>('choices', '', useNewDay())
  if (failure !== null) return <Failed message={failure} />
  if (choices === null) return <p role="status">Loading …</p>
  const money = moneyOf(choices, place.choice.get('currency'))
  return (
    <ShownContext.Provider value={{ place, choices, money }}>
      <Frame place={place} choices={choices} money={money} />
    </ShownContext.Provider>
  )
}

function Frame({ place, choices, money }: Shown) {
  const asOf = dayIn(place, 'as_of') ?? choices.today
  const { preset } = choices
  const compare =
    dayIn(place, 'compare') ?? addDays(asOf, daysBetween(preset.as_of, preset.compare))
  return (
    <>
      <a class="skip" href="#main">
        Skip to the figures
      </a>
      <header>
        <div class="top">
          <p>Co-sell</p>
          <nav class="views" aria-label="Views">
            {views.map((view) => (
              <Go
                key={view}
                to={{ ...place, view, list: null, referral: null }}
                current={view === place.view}
              >
                {titles[view]}
              </Go>
            ))}
          </nav>
        </div>
        {place.referral === null && (
          <Folded name={`Filters · as of ${asOf}, against ${compare}`}>
            <Filters />
            <Days choice={{ as_of: asOf, compare }} />
          </Folded>
        )}
      </header>
      <main id="main">{choices.first_day === null ? <Empty /> : <Opened place={place} />}</main>
      <footer>
        Read {minute(choices.made_at)} by cosell.{' '}
        {money.kind === 'converted' &&
          `Amounts are in ${money.currency}. Those without a rate are listed in their own currency and are in no sum.`}
        {money.kind === 'one' && `Only amounts in ${money.currency} are shown.`}
        {money.kind === 'each' &&
          'No exchange rates are loaded, so amounts cannot be added up: cosell fx loads rates.'}{' '}
        Open referrals that are missing from the source are left out.
      </footer>
    </>
  )
}

/** Parts that are opened on demand where there is little room, and are always there otherwise. */
function Folded(props: { readonly name: string; readonly children: ComponentChildren }) {
  const [isNarrow, setNarrow] = useState(narrow.matches)
  useEffect(() => {
    const follow = () => setNarrow(narrow.matches)
    narrow.addEventListener('change', follow)
    return () => narrow.removeEventListener('change', follow)
  }, [])
  if (!isNarrow) return <>{props.children}</>
  return (
    <details>
      <summary>{props.name}</summary>
      {props.children}
    </details>
  )
}

const narrow = matchMedia('(max-width: 40rem)')

/** Day in the address; null for a text that is none, which the server refuses with a sentence. */
function dayIn({ choice }: Place, name: 'as_of' | 'compare'): string | null {
  const text = choice.get(name)
  return text !== null && isDay(text) ? text : null
}

function Empty() {
  return (
    <p>
      The warehouse is empty: no referral has been published yet. Run <code>cosell run</code>, or{' '}
      <code>cosell demo</code> to see the page with invented referrals.
    </p>
  )
}

/** The referral, the list or the view that is open. */
function Opened({ place }: { readonly place: Place }) {
  const { view, list, referral } = place
  if (referral !== null) {
    const back = list === null ? titles[view] : 'the list'
    return (
      <>
        <p class="back">
          <Go to={{ ...place, referral: null }}>Back to {back}</Go>
        </p>
        <ReferralView key={referral} referral={referral} />
      </>
    )
  }
  if (list !== null) {
    return (
      <>
        <p class="back">
          <Go to={{ ...place, list: null }}>Back to {titles[view]}</Go>
        </p>
        <ListView key={list.rows} place={{ ...place, list }} />
      </>
    )
  }
  return (
    <>
      <Heading key={view} text={titles[view]} />
      <ViewOf view={view} query={String(place.choice)} />
    </>
  )
}

function ViewOf({ view, query }: { readonly view: View; readonly query: string }) {
  if (view === 'funnel') return <FunnelView query={query} />
  if (view === 'won') return <WonView query={query} />
  if (view === 'registrations') return <RegistrationsView query={query} />
  if (view === 'quality') return <QualityView query={query} />
  return <PipelineView query={query} />
}
