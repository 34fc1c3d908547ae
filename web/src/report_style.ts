/** The style sheet of a report. Everything in it is below `.octet-report`, so that a page may adopt it beside its own. */
export const reportStyle = `
.octet-report {
  --ink: #17191d; --soft: #59616c; --card: #fff; --line: #dcdcd6; --track: #ecece7;
  --float: #78828f; --int8: #0b7a69; --clip: #c2410c; --bad: #a3182b;
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
}
@media (prefers-color-scheme: dark) {
  .octet-report {
    --ink: #ebedf0; --soft: #a0a8b3; --card: #191c1f; --line: #2d3237; --track: #262a2e;
    --float: #8d97a4; --int8: #35c4a8; --clip: #fb923c; --bad: #ff8f9c;
  }
}
.octet-report h1 { margin: 0; font-size: 1.5rem; letter-spacing: -.02em; }
.octet-report h2 { margin: 0 0 .6rem; font-size: 1.05rem; }
.octet-report h3 { margin: 0; font-size: .8125rem; font-weight: 600; color: var(--soft); }
.octet-report p { margin: .3rem 0; }
.octet-report .note { color: var(--soft); font-size: .875rem; max-width: 48rem; }
.octet-report section { margin-top: 2rem; }
.octet-report .tiles { display: grid; gap: .9rem; margin-top: 1rem; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); }
.octet-report .tile { padding: .9rem 1.1rem; border: 1px solid var(--line); border-radius: 12px; background: var(--card); }
.octet-report .headline { margin: .1rem 0 .3rem; font-size: 1.35rem; font-weight: 650; letter-spacing: -.015em; color: var(--int8); }
.octet-report .headline.poor { color: var(--bad); }
.octet-report .versus { display: grid; grid-template-columns: auto 1fr auto; gap: .15rem .6rem; align-items: center; margin: 0; font-size: .8125rem; }
.octet-report .scroll { overflow: auto; max-height: 32rem; }
.octet-report table { width: 100%; border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
.octet-report th { position: sticky; top: 0; background: var(--card); color: var(--soft); font-weight: 500; }
.octet-report th, .octet-report td { padding: .3rem .9rem .3rem 0; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
.octet-report td:first-child { min-width: 8rem; }
.octet-report .number { text-align: right; white-space: nowrap; }
.octet-report details > summary { padding: .3rem 0; cursor: pointer; }
.octet-report summary:focus-visible { outline: 3px solid var(--int8); outline-offset: 2px; border-radius: 4px; }
.octet-report .group { margin-top: .4rem; }
.octet-report .tensor { border-bottom: 1px solid var(--line); font-size: .875rem; }
.octet-report .tensor > summary { display: grid; grid-template-columns: minmax(0, 1fr) 9rem 7rem 6rem; gap: .1rem 1rem; font-variant-numeric: tabular-nums; }
.octet-report .tensor > summary::before { content: '▸'; position: absolute; margin-left: -1.1rem; color: var(--soft); }
.octet-report .tensor[open] > summary::before { content: '▾'; }
.octet-report .tensors { padding-left: 1.2rem; }
.octet-report .tensor .soft, .octet-report .soft { color: var(--soft); }
.octet-report .facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .3rem 1rem; margin: .3rem 0; }
.octet-report .facts dt { color: var(--soft); font-size: .8125rem; }
.octet-report .facts dd { margin: 0; }
.octet-report svg { display: block; overflow: visible; }
.octet-report svg text { font-size: 12px; fill: var(--soft); font-variant-numeric: tabular-nums; }
.octet-report .histogram { width: 100%; max-width: 34rem; margin: .4rem 0 .8rem; }
.octet-report .profile, .octet-report .search { width: 100%; }
.octet-report .bar { width: 100%; min-width: 5rem; height: .6rem; margin-top: .35rem; border-radius: 99px; background: var(--track); overflow: hidden; }
.octet-report .versus .bar { margin: 0; min-width: 2rem; }
.octet-report .versus span { white-space: nowrap; }
.octet-report .bar .int8, .octet-report .counts, .octet-report .dot { fill: var(--int8); }
.octet-report .bar .float { fill: var(--float); }
.octet-report .bar .poor { fill: var(--bad); }
.octet-report .line { stroke: var(--int8); stroke-width: 1.5; stroke-opacity: .5; }
.octet-report .axis { stroke: var(--soft); stroke-opacity: .6; }
.octet-report .rule { stroke: var(--line); }
.octet-report .clip, .octet-report .target { stroke: var(--clip); stroke-width: 1.5; }
.octet-report .clipped { fill: var(--clip); }
.octet-report .chosen, .octet-report .pareto { fill: var(--int8); }
.octet-report .chosen { stroke: var(--ink); stroke-width: 2; }
.octet-report .other { fill: var(--float); }
@media (max-width: 40rem) {
  .octet-report .tensor > summary { grid-template-columns: minmax(0, 1fr) auto; }
}
`;

/** What the page of its own needs besides. */
export const pageStyle = `
:root { color-scheme: light dark; }
body { max-width: 66rem; margin: 2rem auto; padding: 0 1.25rem 3rem; background: #f5f5f2; }
@media (prefers-color-scheme: dark) { body { background: #101214; } }
`;
