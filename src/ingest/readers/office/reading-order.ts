/** A box on a slide; any unit. */
export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface Placed {
  readonly box: Box | undefined
}

/** Beyond this number the order of the file is used: the time of sorting is quadratic for stairs of boxes. */
const mostBoxes = 500

/**
 * Sorts boxes as they are read: from top to bottom, but columns that stand next to each other one after the other. The
 * order of the file is that in which they were drawn. Where a box has no place, the order of the file stays.
 */
export function inReadingOrder<T extends Placed>(items: readonly T[]): readonly T[] {
  if (items.length < 2 || items.length > mostBoxes || items.some(({ box }) => box === undefined)) return items
  return ordered(items)
}

function ordered<T extends Placed>(items: readonly T[]): readonly T[] {
  const columns = parted(items, 'x', 'width')
  if (columns.length > 1) return columns.flatMap(column => ordered(column))
  const rows = parted(items, 'y', 'height')
  if (rows.length < 2) return [...items].sort((a, b) => a.box!.y - b.box!.y || a.box!.x - b.box!.x)
  const groups: T[][] = []
  for (const row of rows) {
    const last = groups.at(-1)
    const joined = last === undefined ? row : [...last, ...row]
    const standTogether = last !== undefined && [last, row, joined].every(each => parted(each, 'x', 'width').length > 1)
    if (standTogether) groups[groups.length - 1] = joined
    else groups.push([...row])
  }
  if (groups.length === 1) return [...items].sort((a, b) => a.box!.y - b.box!.y || a.box!.x - b.box!.x)
  return groups.flatMap(group => ordered(group))
}

/** Divides boxes where a straight line crosses none of them. Boxes may overlap by a twentieth of their size. */
function parted<T extends Placed>(items: readonly T[], start: 'x' | 'y', size: 'width' | 'height'): T[][] {
  const sorted = [...items].sort((a, b) => a.box![start] - b.box![start])
  const parts: T[][] = []
  let end = -Infinity
  for (const item of sorted) {
    const box = item.box!
    if (box[start] + box[size] / 20 >= end) parts.push([])
    parts.at(-1)!.push(item)
    end = Math.max(end, box[start] + box[size])
  }
  return parts
}
