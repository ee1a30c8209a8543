/** Style of the dictionary: light or dark as the reader prefers, and plain in print. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --panel: #f6f7f9; --ink: #1d2330; --soft: #5b6475; --rule: #dfe3ea; --edge: #7d8695;
  --accent: #2456a6;
  --hue0: #2456a6; --hue1: #8a4b9e; --hue2: #3d7d3f; --hue3: #b3541e; --hue4: #0f7c86;
  --hue5: #9a7412; --hue6: #a8325a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171d; --panel: #1c2028; --ink: #e4e7ee; --soft: #9aa3b4; --rule: #323845; --edge: #7d8695;
    --accent: #8ab4f8;
    --hue0: #8ab4f8; --hue1: #cf9ae0; --hue2: #8fcf91; --hue3: #f0a073; --hue4: #6fd0d8;
    --hue5: #dcbb5f; --hue6: #f08fae;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
code { font: 0.9em ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 0.5rem; }
h2 { font-size: 1.45rem; margin: 3.5rem 0 0.75rem; padding-top: 0.75rem; border-top: 1px solid var(--rule); }
h3 { font-size: 1.08rem; margin: 2.25rem 0 0.5rem; }
h2 small { color: var(--soft); font-weight: 400; font-size: 0.7em; margin-left: 0.4em; }
p { margin: 0 0 0.9rem; max-width: 46rem; }
.lead { font-size: 1.1rem; color: var(--soft); }
nav {
  position: fixed; inset: 0 auto 0 0; width: 16rem; overflow-y: auto; padding: 1.5rem 1.25rem;
  background: var(--panel); border-right: 1px solid var(--rule); font-size: 0.875rem;
}
nav p { margin: 1.1rem 0 0.25rem; font-weight: 600; }
nav .brand { margin: 0 0 0.75rem; font-size: 1rem; }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li a { display: block; padding: 0.1rem 0; color: var(--soft); overflow-wrap: anywhere; }
main { margin-left: 16rem; padding: 2.5rem clamp(1rem, 3vw, 3rem) 6rem; max-width: 84rem; }
.scroll { overflow-x: auto; margin: 0 0 1.25rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; }
caption { text-align: left; padding: 0.75rem 0 0.25rem; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.75rem 0.35rem 0; border-bottom: 1px solid var(--rule); }
th { color: var(--soft); font-weight: 600; }
[hidden] { display: none !important; }
#tools {
  position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem;
  margin: 1.5rem 0 0; padding: 0.75rem 0; background: var(--paper); border-bottom: 1px solid var(--rule);
}
#tools label { flex-basis: 100%; color: var(--soft); font-size: 0.875rem; }
#tools input { flex: 1 1 14rem; min-width: 0; max-width: 30rem; }
#tools input, #tools button {
  padding: 0.4rem 0.7rem; border: 1px solid var(--edge); border-radius: 6px;
  background: var(--paper); color: var(--ink); font: inherit;
}
#tools button { background: var(--panel); cursor: pointer; }
#tools :focus-visible, summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
#tools output { color: var(--soft); font-size: 0.875rem; }
.searching #freshness, .searching #questions, .searching #star, .searching #acv, .searching .legend, .searching .lead { display: none; }
.entry { border-bottom: 1px solid var(--rule); }
.entry summary { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.1rem 1rem; padding: 0.55rem 0; cursor: pointer; }
.entry summary::before { content: "▸"; color: var(--soft); width: 0.8em; }
.entry[open] summary::before { content: "▾"; }
.entry summary:hover h3 { color: var(--accent); }
.entry h3 { margin: 0; }
.entry .grain { flex: 1 1 16rem; color: var(--soft); font-size: 0.875rem; }
.entry .rows { color: var(--soft); font-size: 0.875rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
.entry .about { margin-top: 0.5rem; scroll-margin-top: 9rem; }
.columns { min-width: 56rem; table-layout: fixed; }
.columns th:first-child { width: 22%; }
.columns th:nth-child(2) { width: 12%; }
.columns .null { width: 4%; }
.columns th:last-child { width: 28%; }
.columns td:first-child, .type { overflow-wrap: anywhere; }
.source, .type { color: var(--soft); }
.source code { display: block; line-height: 1.35rem; padding-left: 1em; text-indent: -1em; overflow-wrap: break-word; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.key { white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1rem; margin: 0 0 1rem; }
dt { color: var(--soft); }
dd { margin: 0; max-width: 50rem; }
.legend { margin-top: 1.25rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(21rem, 100%), 1fr)); gap: 1rem; }
.card { border: 1px solid var(--rule); border-radius: 8px; padding: 1rem 1.1rem; background: var(--panel); font-size: 0.9rem; }
.card h3 { margin: 0; }
.card .figure { font-size: 1.35rem; font-weight: 600; margin: 0.2rem 0 0.5rem; font-variant-numeric: tabular-nums; }
.card .figure small { color: var(--soft); font-weight: 400; font-size: 0.6em; }
.card td, .card th { padding-right: 0.5rem; }
.card td:last-child, .card th:last-child { padding-right: 0; }
.card tfoot td { font-weight: 600; border-bottom: 0; }
figure { margin: 0 0 1rem; }
.star { display: block; width: 100%; min-width: 56rem; max-width: 68rem; height: auto; font: 12px system-ui, sans-serif; }
.star text { fill: var(--soft); }
.star .name { fill: var(--ink); font-weight: 600; font-size: 13.5px; }
.star rect { fill: var(--panel); stroke: var(--rule); }
.star .dimension rect { stroke: var(--hue); stroke-width: 1.5; }
.star .dimension .name { fill: var(--hue); }
.star path { fill: none; stroke: var(--hue); stroke-width: 1.5; opacity: 0.65; }
.star .way text { fill: var(--hue); font-weight: 600; }
.star a:hover rect { stroke: var(--accent); }
.hue0 { --hue: var(--hue0); } .hue1 { --hue: var(--hue1); }
.hue2 { --hue: var(--hue2); } .hue3 { --hue: var(--hue3); } .hue4 { --hue: var(--hue4); }
.hue5 { --hue: var(--hue5); } .hue6 { --hue: var(--hue6); }
@media (max-width: 60rem) {
  nav { position: static; width: auto; max-height: 40vh; border-right: 0; border-bottom: 1px solid var(--rule); }
  main { margin-left: 0; }
  .searching nav { display: none; }
}
@media (max-width: 40rem) {
  .columns, .columns tbody { display: block; min-width: 0; overflow-wrap: anywhere; }
  .columns thead { display: none; }
  .columns tr { display: block; padding: 0.5rem 0; border-bottom: 1px solid var(--rule); }
  .columns td { display: inline-block; padding: 0 0.6rem 0 0; border: 0; }
  .columns td:nth-last-child(2), .columns .source { display: block; width: auto; }
  .entry .about { grid-template-columns: 1fr; scroll-margin-top: 15rem; }
  .entry .about dd { margin-bottom: 0.4rem; }
}
@media print {
  :root { --paper: #fff; --panel: #fff; --ink: #000; --soft: #444; --rule: #bbb; --accent: #000; }
  body { font-size: 9.5pt; }
  nav, #tools { display: none; }
  main { margin: 0; padding: 0; max-width: none; }
  .scroll { overflow: visible; }
  .columns, .star { min-width: 0; }
  table { font-size: 7.5pt; }
  .columns { overflow-wrap: anywhere; }
  h2 { break-before: page; }
  h3, caption { break-after: avoid; }
  tr, .card, .star { break-inside: avoid; }
}
`
