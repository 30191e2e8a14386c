import type { Estimate, Share } from '../intervals.ts'

/** Figures as text, the same in the terminal, in Markdown and in HTML. */

/** `76 % [70–81]`, or `–` if there was nothing to measure. */
export function percent({ value, low, high }: Estimate): string {
  if (value === null) return '–'
  return `${whole(value)} % [${whole(low ?? value)}–${whole(high ?? value)}]`
}

/** The share alone, for narrow columns. */
export function briefPercent({ value }: Estimate): string {
  return value === null ? '–' : `${whole(value)} %`
}

/** `35 of 50`. */
export function countOf({ count, of }: Share): string {
  return of === 0 ? '–' : `${count} of ${of}`
}

/** `0.83 [0.78–0.88]`. */
export function decimal({ value, low, high }: Estimate): string {
  if (value === null) return '–'
  return `${value.toFixed(2)} [${(low ?? value).toFixed(2)}–${(high ?? value).toFixed(2)}]`
}

export function milliseconds(value: number): string {
  return value < 10 ? value.toFixed(1) : value.toFixed(0)
}

function whole(share: number): string {
  return (share * 100).toFixed(0)
}
