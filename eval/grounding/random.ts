import { hash } from 'node:crypto'

/** Repeatable choices for a name (mulberry32, by Tommy Ettinger). */
export function randomOf(name: string) {
  let state = Number.parseInt(hash('sha256', name, 'hex').slice(0, 8), 16)
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const shuffled = <T>(values: readonly T[]): T[] =>
    values
      .map(value => ({ value, order: next() }))
      .sort((a, b) => a.order - b.order)
      .map(({ value }) => value)
  return { next, shuffled }
}
