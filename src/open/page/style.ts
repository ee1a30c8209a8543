import { style as reportStyle } from '../../report/page/style.ts'

/** Style sheet of the page: that of the report, and what a page to work with has beside it. */
export const style = `${reportStyle}
body { max-width: 76rem; padding-top: 1rem }
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: .2em; text-decoration-color: color-mix(in srgb, currentcolor 45%, transparent) }
a:hover { text-decoration-color: currentcolor }
:root { --link: #14507a }
@media screen and (prefers-color-scheme: dark) { :root { --link: #8cc4ea } }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px }
h1:focus { outline: none }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.skip { position: absolute; left: -99rem }
.skip:focus { left: 1rem; top: .25rem; background: var(--ground); padding: .25rem .5rem; z-index: 3 }
header .top { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1.5rem; border-bottom: 1px solid var(--rule); padding-bottom: .5rem }
header .top > p { margin: 0; font-weight: 650 }
nav.views { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem }
nav.views a { color: var(--quiet); text-decoration: none; padding: .3rem 0 }
nav.views a[aria-current] { color: var(--text); box-shadow: 0 2px var(--edge) }
nav.views a:hover { color: var(--text) }
button, select, input { font: inherit; font-size: .85rem; color: inherit }
button, select, input[type=date], input[type=search] { background: var(--ground); border: 1px solid var(--rule); border-radius: 4px; padding: .25rem .5rem; min-height: 2rem; max-width: 100% }
button { cursor: pointer; text-align: left }
button:disabled { cursor: default; color: var(--quiet) }
button:hover:enabled, select:hover { border-color: var(--quiet) }
button.plain { border-color: transparent; background: none; color: var(--link); padding: .25rem }
button.plain[aria-pressed=true] { color: var(--text); font-weight: 600 }
.chosen { border-color: var(--edge); background: var(--panel) }
fieldset { border: 0; padding: 0; margin: 0; min-width: 0 }
.filters, .days { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem .5rem; margin-top: .6rem; font-size: .85rem }
.filter { position: relative; max-width: 100% }
.boxes { position: absolute; z-index: 2; left: 0; top: calc(100% + 2px); margin: 0; padding: .5rem; width: max-content; min-width: 100%; max-width: min(22rem, calc(100vw - 2rem)); background: var(--ground); border: 1px solid var(--quiet); border-radius: 4px }
.boxes input[type=search] { width: 100%; margin-bottom: .4rem }
.options { max-height: 16rem; overflow-y: auto }
.options label { display: flex; gap: .4rem; align-items: baseline; padding: .2rem; overflow-wrap: anywhere }
.days input[type=range] { flex: 1 1 10rem; min-width: 8rem; max-width: 24rem; accent-color: var(--edge) }
.quick { display: inline-flex; flex-wrap: wrap }
main > h1 { margin-top: 1.5rem }
.back { margin-top: 1.25rem } .back + h1 { margin-top: .5rem }
figcaption h2 { font-size: inherit; margin: 0; padding: 0; border: 0; line-height: inherit }
figure { margin-top: 2rem }
.tiles { margin-top: 1.25rem; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 0; background: none; border: 0 }
.tiles > div { grid-row: span 3; border: 1px solid var(--rule); margin: 0 -1px -1px 0 }
.tiles .value a { color: inherit }
.canvas { position: relative; height: 15rem; margin-top: .5rem; min-width: 0; overflow: hidden }
.canvas.tall { height: 26rem }
.each { display: block }
.cell { display: block; width: max-content; max-width: 20rem; white-space: normal; overflow-wrap: anywhere }
.name { overflow-wrap: anywhere }
[aria-busy=true] { opacity: .55 }
.tools { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; margin-top: 1rem; font-size: .85rem }
.tools input { width: 16rem }
table.texts th, table.texts td { text-align: left; overflow-wrap: anywhere }
.rows { overflow-x: auto; margin-top: .5rem }
table.list { display: table; min-width: 100%; width: auto; font-size: .85rem }
table.list thead { display: table-header-group } table.list tbody { display: table-row-group }
table.list tr { display: table-row }
table.list th, table.list td { display: table-cell; width: auto; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--rule); text-align: left; white-space: nowrap }
table.list .right { text-align: right }
table.list thead button { border: 0; background: none; padding: 0; min-height: 1.6rem; color: inherit; font-weight: 600; white-space: nowrap }
table.list thead th { color: var(--text) }
table.list tbody tr:hover { background: var(--panel) }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr)); gap: .6rem 1.5rem; background: none; border: 0 }
.facts > div { padding: 0; background: none; display: block; grid-row: auto }
.facts dt { font-size: .8rem } .facts dd { overflow-wrap: anywhere }
.life { list-style: none; margin: .5rem 0 0; padding: 0 }
.life > li { padding: .6rem 0 .6rem 1rem; border-left: 2px solid var(--rule); position: relative }
.life > li::before { content: ""; position: absolute; left: -5px; top: 1.05rem; width: 8px; height: 8px; border-radius: 4px; background: var(--edge) }
.life ul { margin: .2rem 0 0; padding-left: 1.1rem }
.explained { margin-top: .75rem; padding-left: .75rem; border-left: 2px solid var(--rule) }
code { overflow-wrap: anywhere }
.formula { white-space: normal; overflow-wrap: anywhere }
.life, .explained, .failure { overflow-wrap: anywhere }
h3 { font-size: .9rem; margin: 1.5rem 0 0; font-weight: 600; color: var(--quiet) }
h4 { font-size: .9rem; margin: 1rem 0 0; font-weight: 600 }
.tiles small { display: block }
.failure { border-left: 3px solid var(--warn); padding-left: .75rem }
@media (max-width: 60rem) {
  .filters { position: relative } .filter { position: static }
  .boxes { width: 100%; max-width: none }
}
@media (max-width: 40rem) {
  .tools input { width: 100% }
  .tools > * { max-width: 100% }
  .canvas, .canvas.tall { height: 13rem }
  .cell { max-width: 12rem }
  .facts { grid-template-columns: repeat(auto-fill, minmax(min(100%, 9rem), 1fr)) }
  header details { margin-top: .75rem } header summary { width: auto }
  .tiles { grid-template-columns: repeat(auto-fit, minmax(min(100%, 9rem), 1fr)) }
  .tiles dd.value { font-size: 1.3rem }
}
`
