import { Html } from './html.ts'

/** Follows the reader's light or dark theme; on wide screens the contents are next to the text. */
export const style = new Html(`
:root { color-scheme: light dark; --line: light-dark(#d8dde3, #3a424c); --soft: light-dark(#f4f6f8, #1d232a); --link: light-dark(#0b5cad, #7ab8ff); --quiet: light-dark(#56606b, #9aa7b4) }
* { box-sizing: border-box }
html { scroll-padding-top: 1rem }
body { margin: 0; font: 1rem/1.55 system-ui, sans-serif; color: light-dark(#1b2026, #dfe5eb); background: light-dark(#fff, #14181d) }
a { color: var(--link) }
a:focus-visible, summary:focus-visible, pre:focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
.skip { position: absolute; left: -999rem }
.skip:focus { left: 1rem; top: 1rem; padding: .5rem 1rem; background: var(--soft) }
nav { padding: 1rem; border-bottom: 1px solid var(--line); font-size: .9rem }
nav h2 { margin: 1rem 0 .25rem; font-size: .8rem; color: var(--quiet) }
nav ul { margin: 0; padding: 0; list-style: none }
nav a { display: block; padding: .2rem 0; overflow-wrap: anywhere; text-decoration: none }
nav a:hover { text-decoration: underline }
main { max-width: 54rem; padding: 1rem }
h1 { margin: .5rem 0 0 }
.lead { margin-top: 0; font-size: 1.15rem; color: var(--quiet) }
section > h2 { margin-top: 3rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line) }
article { margin: 2.5rem 0 }
h3 { margin-bottom: .5rem; overflow-wrap: anywhere }
h3 small { display: block; font-weight: normal; color: var(--quiet) }
h4 { margin: 1.5rem 0 .5rem }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere }
pre { margin: .5rem 0; padding: .75rem; overflow-x: auto; background: var(--soft); border: 1px solid var(--line); border-radius: 6px; user-select: all }
pre code { overflow-wrap: normal }
.method { font: bold .8em ui-monospace, monospace; color: light-dark(#0a6b3d, #63d297) }
.method.put, .method.post { color: light-dark(#8a4b00, #f0b35e) }
.method.delete { color: light-dark(#a01b2b, #ff8d99) }
.table { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .92rem }
th, td { padding: .4rem .6rem .4rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
dl { margin: .5rem 0; padding-left: .9rem; border-left: 2px solid var(--line) }
dt { margin-top: .6rem }
dd { margin: 0 }
dd > p { margin: .2rem 0 }
.type { color: var(--quiet); font-size: .9rem }
em { font-size: .8rem; color: light-dark(#a01b2b, #ff8d99) }
summary { cursor: pointer; padding: .25rem 0 }
@media (min-width: 64rem) {
  body { display: grid; grid-template-columns: 17rem 1fr }
  nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; border-right: 1px solid var(--line); border-bottom: 0 }
  main { padding: 1rem 2.5rem 4rem }
}
`)
