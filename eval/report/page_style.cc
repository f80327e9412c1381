#include "eval/report/page.h"

namespace larimar::eval::report {

std::string_view page_style() {
  // The colours of lineN and fillN in dark are the series of drawing.cc, lightened.
  return R"(
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1f2328; --muted: #57606a; --rule: #d8dee4; --card: #ffffff;
  --wash: #f6f8fa; --empty: #eef1f4; --bar: #0068a8; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--wash); color: var(--ink);
  font: 16px/1.55 system-ui, "DejaVu Sans", Verdana, sans-serif; }
main { max-width: 78rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: clamp(1.5rem, 4vw, 2.2rem); line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .3rem; }
p { max-width: 46rem; margin: .3rem 0 .9rem; overflow-wrap: anywhere; }
.muted, small { color: var(--muted); }
.facts { display: flex; flex-wrap: wrap; gap: .5rem 1.6rem; padding: 0; margin: 1rem 0; list-style: none; }
.facts b { font-size: 1.25rem; font-variant-numeric: tabular-nums; margin-right: .3rem; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--rule); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .45rem .8rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--rule); }
tr:last-child > * { border-bottom: 0; }
thead th { background: var(--wash); font-weight: 600; vertical-align: bottom; min-width: 8.5rem; }
thead bdi { display: block; max-width: 14rem; overflow-wrap: anywhere; }
tbody th { font-weight: 600; min-width: 9rem; }
td.number, th.number { text-align: right; min-width: 4.5rem; white-space: nowrap; }
td b { font-size: 1.05rem; }
td small { display: block; white-space: nowrap; }
.bar { display: block; height: 3px; margin: .15rem 0; background: var(--empty); border-radius: 2px; max-width: 8rem; }
.bar i { display: block; height: 100%; background: var(--bar); border-radius: 2px; }
.published { font-style: italic; }
td.published { min-width: 13rem; }
td.published span { display: block; }
.summary tbody { border-top: 2px solid var(--rule); }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22.5rem), 1fr)); gap: 1rem;
  align-items: start; }
figure { margin: 0; background: var(--card); border: 1px solid var(--rule); border-radius: 8px; overflow: hidden; }
figure > div { overflow-x: auto; }
figure.wide { grid-column: 1 / -1; }
figcaption { padding: .1rem .75rem .6rem; font-size: .8rem; color: var(--muted); overflow-wrap: anywhere; }
.drawing { display: block; max-width: 100%; height: auto; }
.wide .drawing { max-width: none; }
pre { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: .8rem 1rem; overflow-x: auto;
  white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; }
a { color: inherit; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #0d1117; --ink: #e6edf3; --muted: #9aa5b1; --rule: #3b434d; --card: #161b22; --wash: #0d1117;
    --empty: #262c34; --bar: #58a6ff; }
  .drawing { fill: var(--ink); }
  .drawing .ground { fill: var(--card); }
  .drawing .muted { fill: var(--muted); }
  .drawing .rule { stroke: var(--rule); }
  .drawing .empty { fill: var(--empty); }
  .drawing .hollow { fill: var(--card); }
  .line0 { stroke: #58a6ff; } .fill0 { fill: #58a6ff; } .line1 { stroke: #f0883e; } .fill1 { fill: #f0883e; }
  .line2 { stroke: #3fb98b; } .fill2 { fill: #3fb98b; } .line3 { stroke: #e07ab8; } .fill3 { fill: #e07ab8; }
  .line4 { stroke: #9d9df5; } .fill4 { fill: #9d9df5; } .line5 { stroke: #d4b23a; } .fill5 { fill: #d4b23a; }
  .line6 { stroke: #b3bcc7; } .fill6 { fill: #b3bcc7; }
}
@media (max-width: 40rem) {
  main { padding: 1.2rem .6rem 3rem; }
  th, td { padding: .4rem .5rem; }
  tbody th { min-width: 5.5rem; }
  td.number, th.number { min-width: 3.2rem; }
}
@media print { body { background: none; } figure, tr { break-inside: avoid; } }
)";
}

}  // namespace larimar::eval::report
