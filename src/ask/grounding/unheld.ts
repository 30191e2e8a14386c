/** Facts of a sentence that stand in no passage and were not worked out. */
import type { DropReason } from '../terms/run.ts'
import { calculationsIn, isTotalOf } from './arithmetic.ts'
import type { Evidence } from './evidence.ts'
import type { Fact, ReadText } from './fact-terms.ts'
import { deniesAnything, negationOf } from './negation.ts'
import { isClosed } from './opposites.ts'
import { valuesOf } from './quantities.ts'

export interface Fault {
  readonly reason: DropReason
  readonly detail: string
}

/** The first fact that neither stands in the passages nor is worked out in the sentence. */
export function unheldFact(read: ReadText, evidence: Evidence): Fault | undefined {
  const claimed = read.facts.filter(({ isSoft }) => !isSoft)
  const calculations = calculationsIn(read)
  const wrong = calculations.find(({ isRight }) => !isRight)
  if (wrong) return { reason: 'arithmetic', detail: String(wrong.result) }
  const held = claimed.filter(fact => evidence.holdings.holds(fact))
  // "11 + 4.4 = 15.4 million": the unit of the result is that of its parts.
  const scales = calculations.length === 0 ? [] : claimed.map(scaleOf).filter(scale => scale > 1)
  const scaled = claimed.filter(fact => scales.some(scale => evidence.holdings.holds(times(fact, scale))))
  const isDenied = deniesAnything(negationOf(read.text, read.language))
  const fault = claimed.find(fact => {
    if (held.includes(fact)) return false
    if (fact.kind === 'number' && isWorkedOut(fact, { read, held: [...held, ...scaled], calculations })) return false
    if (scaled.includes(fact)) return false
    if (isDayOff(fact, read, evidence)) return false
    // The question's own number may be repeated next to one of the passages, or to deny something of it.
    const isComparison = fact.kind === 'number' && held.some(other => other.kind === 'number')
    return !(evidence.asked.holds(fact) && (isDenied || isComparison))
  })
  return fault && { reason: fault.kind === 'time' ? 'date' : fault.kind, detail: fault.surface }
}

/** "Closed on Mondays" where a passage says "from Tuesday to Sunday". */
function isDayOff(fact: Fact, { text, language }: ReadText, { holdings }: Evidence): boolean {
  const days = fact.keys.flatMap(key => /^weekday:(\d)$/.exec(key)?.[1] ?? [])
  if (days.length === 0 || !(deniesAnything(negationOf(text, language)) || isClosed(text, language))) return false
  return holdings.holds({ ...fact, keys: days.map(day => `off:${day}`) })
}

interface Worked {
  readonly read: ReadText
  readonly held: readonly Fact[]
  readonly calculations: readonly { readonly result: number; readonly isRight: boolean }[]
}

function isWorkedOut(fact: Fact, { read, held, calculations }: Worked): boolean {
  const { amounts } = fact
  const parts = held.flatMap(each => (each.kind === 'number' && each.amounts[0] ? [each.amounts[0].value] : []))
  const scale = scaleOf(fact)
  return amounts.some(
    ({ value }) =>
      calculations.some(({ result }) => result === value / scale && parts.length > 0) || isTotalOf(value, parts, read),
  )
}

/** A million for "15.4 million", 1 for digits alone. */
function scaleOf({ surface, amounts }: Fact): number {
  const [plain] = valuesOf(surface)
  const value = amounts[0]?.value
  return plain && value && value / plain >= 1000 ? Math.round(value / plain) : 1
}

function times(fact: Fact, scale: number): Fact {
  return { ...fact, amounts: fact.amounts.map(({ value }) => ({ value: value * scale })) }
}
