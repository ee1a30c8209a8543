/**
 * Style sheet of the report page. Series go from dark to light, on a dark background from light to
 * dark, so they also differ without colour. Text has a contrast of at least 4.5 to its background.
 */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #fff; --text: #1b2430; --quiet: #566170; --rule: #d9dee4; --panel: #f5f7f9;
  --warn: #8a3b00; --s0: #14507a; --s1: #3f8fc4; --s2: #a9cfe8; --s3: #6d5a8d; --s4: #b7a4cf;
  --s5: #5a6470; --edge: #14507a;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --ground: #12171d; --text: #e5e9ee; --quiet: #a3adb9; --rule: #313a45; --panel: #1a2129;
    --warn: #ffb27a; --s0: #6fb3e0; --s1: #3a7fb5; --s2: #23557b; --s3: #c3b1dd; --s4: #7f6aa3;
    --s5: #c9d0d8; --edge: #6fb3e0;
  }
}
* { box-sizing: border-box }
body {
  margin: 0 auto; padding: 2rem 1rem 4rem; max-width: 62rem;
  background: var(--ground); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
h1 { font-size: 1.6rem; line-height: 1.2; font-weight: 650; margin: 0 }
h2 { font-size: 1.15rem; font-weight: 650; margin: 2.5rem 0 .25rem; padding-top: .9rem; border-top: 1px solid var(--rule) }
p { margin: .25rem 0 0; max-width: 46rem }
.quiet, figcaption span, dd.note, .scale, .tick, .group { color: var(--quiet) }
.warn { color: var(--warn) }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr)); gap: 1px; margin: 1.5rem 0 0; background: var(--rule); border: 1px solid var(--rule) }
dl > div { background: var(--ground); padding: .9rem 1rem; display: grid; grid-template-rows: subgrid; grid-row: span 4; row-gap: 0; align-content: start }
dt { color: var(--quiet) }
dd { margin: 0 }
dd.value { font-size: 1.7rem; line-height: 1.3; font-weight: 600 }
dd.note { font-size: .85rem }
dd.since { font-size: .8rem; color: var(--quiet); padding-top: .4rem }
dd.since span { display: block }
figure { margin: 1.25rem 0 0; min-width: 0; break-inside: avoid }
figcaption { font-weight: 600 }
figcaption span { display: block; font-weight: 400; font-size: .85rem }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 0 2.5rem }
svg { display: block; overflow: visible }
.columns { margin: .5rem 0 0 2.75rem; width: calc(100% - 2.75rem) }
text { font-size: 11px; fill: var(--quiet) }
.scale { text-anchor: end } .tick { text-anchor: middle }
.grid { stroke: var(--rule) } .ground { stroke: var(--quiet) }
.columns rect { stroke: var(--ground); stroke-width: .75 }
${[0, 1, 2, 3, 4, 5].map((series) => `.s${series} { fill: var(--s${series}) }`).join(' ')}
.bar { margin: .15rem 0 .1rem; background: var(--panel) }
.legend { list-style: none; margin: .5rem 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: .1rem 1.25rem; font-size: .85rem }
.legend svg { display: inline-block; margin-right: .4rem }
.legend rect { stroke: var(--edge) }
table { border-collapse: collapse; width: 100%; margin-top: .5rem; font-size: .9rem }
th, td { text-align: right; vertical-align: top; padding: .35rem 0 .35rem .75rem; border-bottom: 1px solid var(--rule); font-weight: 400 }
th:first-child, td:first-child, .left { text-align: left }
th:first-child, td:first-child { padding-left: 0 }
thead th { color: var(--quiet); font-size: .8rem; vertical-align: bottom }
tbody th { width: 42% }
tfoot th, tfoot td { border-bottom: 0; font-weight: 600 }
td small, th small { display: block; color: var(--quiet); font-size: .8rem; line-height: 1.35 }
.number { white-space: nowrap }
.scroll { overflow-x: auto }
.line { white-space: nowrap }
bdi { overflow-wrap: anywhere }
.name { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden }
details { margin-top: .5rem }
summary { color: var(--quiet); font-size: .85rem; cursor: pointer; width: max-content }
code { font: .85em ui-monospace, Consolas, monospace }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--rule); font-size: .85rem; color: var(--quiet) }
@media (max-width: 40rem) {
  body { padding-top: 1.25rem; font-size: 14px }
  dl { grid-template-columns: repeat(auto-fit, minmax(min(100%, 13rem), 1fr)) }
  th, td { padding-left: .5rem }
  table { font-size: .85rem }
  table { display: grid; grid-template-columns: repeat(var(--columns), auto) }
  thead, tbody, tfoot, tr { display: grid; grid-column: 1 / -1; grid-template-columns: subgrid }
  tr { border-bottom: 1px solid var(--rule); padding: .3rem 0 }
  th, td { border: 0; padding-top: 0; padding-bottom: 0 }
  tr > :first-child { grid-column: 1 / -1; width: auto }
  tr > :nth-child(2) { padding-left: 0; text-align: left }
  text { font-size: 10px }
}
@media print {
  :root { color-scheme: light }
  body { max-width: none; padding: 0; font-size: 10.5pt }
  h2 { break-after: avoid; margin-top: 1.5rem }
  tr { break-inside: avoid }
  summary { display: none }
  details::details-content { content-visibility: visible; display: block }
  svg rect { print-color-adjust: exact; -webkit-print-color-adjust: exact }
  @page { margin: 16mm 14mm }
}
`
