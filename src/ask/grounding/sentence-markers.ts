const markers = / ?\[(\d{1,2})\](?!\()/g
const runs = /(?: ?\[\d{1,2}\](?!\())+/g
const inlineCode = /(`[^`\n]*`)/

/** The passages that a piece cites, from 1, in order. */
export function citedIn(text: string): number[] {
  return outsideCode(text).flatMap(part => Array.from(part.matchAll(markers), match => Number(match[1])))
}

function outsideCode(text: string): string[] {
  return text.split(inlineCode).filter((_, i) => i % 2 === 0)
}

/** A piece with its citations corrected: those that support nothing removed, and the best passage added if none is left. */
export function withMarkers(text: string, passages: readonly number[]): string {
  const [best] = passages
  const cited = citedIn(text)
  const right = new Set(cited.filter(number => passages.includes(number - 1)))
  if (cited.length > 0 && right.size === new Set(cited).size) return text
  const kept = text
    .split(inlineCode)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(runs, run => keptOf(run, right))))
    .join('')
  return right.size > 0 || best === undefined ? kept : added(kept, best + 1)
}

/** The markers of a run that are right, after the space that the run began with. */
function keptOf(run: string, right: ReadonlySet<number>): string {
  const kept = Array.from(run.matchAll(markers), ([, number]) => Number(number)).filter(number => right.has(number))
  if (kept.length === 0) return ''
  return (run.startsWith(' ') ? ' ' : '') + kept.map(number => `[${number}]`).join('')
}

/** Before the end of the sentence, or in the last cell of a row. */
function added(text: string, number: number): string {
  const end = /\s*\|\s*$|[.!?…:;。！？।]+["”’»)*_]*\s*$/u.exec(text)?.index ?? text.length
  return `${text.slice(0, end)} [${number}]${text.slice(end)}`
}
