import type { OdtLevel, OdtLevels } from './odt-styles.ts'
import type { Xml } from './xml.ts'

/** An open list: its style, and its counts by level from 1. */
export interface OdtList {
  readonly levels: OdtLevels
  readonly counts: Map<number, number>
}

/** Knows which list continues which other. */
export interface OdtLists {
  open(list: Xml, levels: OdtLevels, styleName: string | undefined): OdtList
}

export function createLists(): OdtLists {
  const byId = new Map<string, Map<number, number>>()
  const byStyle = new Map<string, Map<number, number>>()
  return {
    open({ attributes }, levels, styleName = '') {
      const continued =
        byId.get(attributes['text:continue-list'] ?? '') ??
        (attributes['text:continue-numbering'] === 'true' ? byStyle.get(styleName) : undefined)
      const counts = continued ?? new Map<number, number>()
      byStyle.set(styleName, counts)
      const id = attributes['xml:id'] ?? attributes['text:id']
      if (id !== undefined) byId.set(id, counts)
      return { levels, counts }
    },
  }
}

/** Counts an item and returns what is shown in front of it. Levels above that have no item yet count as begun. */
export function nextMarker({ levels, counts }: OdtList, level: number, start: string | undefined): string {
  const own = levels.get(level)
  for (const deeper of [...counts.keys()].filter(key => key > level)) counts.delete(deeper)
  for (let above = 1; above < level; above++) {
    if (!counts.has(above)) counts.set(above, levels.get(above)?.start ?? 1)
  }
  const before = counts.get(level)
  const restart = Number.parseInt(start ?? '', 10)
  counts.set(level, Number.isNaN(restart) ? (before === undefined ? (own?.start ?? 1) : before + 1) : restart)
  if (own === undefined || own.isBullet) return '-'
  const valueAt = (at: number): string => {
    const shown = levels.get(at)
    return shown === undefined ? '' : shown.write(counts.get(at) ?? shown.start)
  }
  return (own.pattern === undefined ? counted(own, level, valueAt) : patterned(own.pattern, valueAt)).trim()
}

function patterned(pattern: string, valueAt: (level: number) => string): string {
  return pattern.replace(/%(\d{1,2})%/g, (_, level: string) => valueAt(Number(level)))
}

function counted(
  { prefix, suffix, displayLevels }: OdtLevel,
  level: number,
  valueAt: (level: number) => string,
): string {
  const last = valueAt(level)
  if (last === '') return prefix + suffix
  const first = Math.max(1, level - displayLevels + 1)
  const above = Array.from({ length: level - first }, (_, i) => valueAt(first + i)).filter(value => value !== '')
  return prefix + [...above, last].join('.') + suffix
}
