import { createHash } from 'node:crypto'

export interface SeenRows {
  /** The line that had this name first. For a new name, stores the line and returns null. */
  firstLine(name: string, line: number): number | null
}

/**
 * Stores the names of a file's rows in 12 bytes each, in an open-addressing table of 64-bit hashes. A `Map` of strings
 * would take 100 bytes or more per row and is limited to fewer than 17 million.
 */
export function createSeenRows(): SeenRows {
  let slots = newSlots(2 ** 12)
  let used = 0

  function firstLine(name: string, line: number): number | null {
    const digest = createHash('sha256').update(name).digest()
    const low = digest.readUInt32LE(0)
    const high = digest.readUInt32LE(4)
    const at = slotOf(slots, low, high)
    if (slots.lines[at] !== 0) return slots.lines[at]!
    insert(slots, low, high, line)
    used += 1
    if (used * 2 > slots.lines.length) slots = grown(slots)
    return null
  }

  return { firstLine }
}

/** Line 0 marks an empty slot. */
interface Slots {
  readonly low: Uint32Array
  readonly high: Uint32Array
  readonly lines: Uint32Array
}

function newSlots(size: number): Slots {
  return { low: new Uint32Array(size), high: new Uint32Array(size), lines: new Uint32Array(size) }
}

function slotOf(slots: Slots, low: number, high: number): number {
  const mask = slots.lines.length - 1
  let at = low & mask
  while (slots.lines[at] !== 0 && (slots.low[at] !== low || slots.high[at] !== high)) at = (at + 1) & mask
  return at
}

function insert(slots: Slots, low: number, high: number, line: number): void {
  const at = slotOf(slots, low, high)
  slots.low[at] = low
  slots.high[at] = high
  slots.lines[at] = line
}

function grown(old: Slots): Slots {
  const slots = newSlots(old.lines.length * 2)
  old.lines.forEach((line, i) => {
    if (line !== 0) insert(slots, old.low[i]!, old.high[i]!, line)
  })
  return slots
}
