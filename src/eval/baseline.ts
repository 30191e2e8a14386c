import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import type { Figures } from './figures.ts'
import type { Measured } from './measure.ts'

/** How far a share may fall before it counts: half a point, the width of noise in sets of some hundred questions. */
const tolerance = 0.005

/** Shares, 0…1, of which more is better. */
type Shares = Readonly<Record<string, number>>

/** What was measured once and is held against later: by variant, then by row of the table. */
export interface Baseline {
  /** The embedding model that it was measured with. */
  readonly model: string
  readonly variants: Readonly<Record<string, Readonly<Record<string, Shares>>>>
}

export interface Fall {
  readonly variant: string
  readonly row: string
  readonly figure: string
  readonly from: number
  /** Null: not measured any more. */
  readonly to: number | null
}

export function baselineOf(model: string, measured: readonly Measured[]): Baseline {
  return { model, variants: Object.fromEntries(measured.map(each => [each.name, rowsOf(each)])) }
}

function rowsOf({ arms, languages, abstention: { answered, refused } }: Measured): Record<string, Shares> {
  const fused = {
    ...sharesOf(arms.fused),
    ...(answered === null ? {} : { answered }),
    ...(refused === null ? {} : { refused }),
  }
  const byLanguage = Object.entries(languages).map(
    ([language, figures]) => [`fused, ${language}`, sharesOf(figures)] as const,
  )
  return { lexical: sharesOf(arms.lexical), vector: sharesOf(arms.vector), fused, ...Object.fromEntries(byLanguage) }
}

/** `found`: share of the questions to which anything was found. Latency depends on the machine and is left out. */
function sharesOf({ questions, ndcg10, recall5, recall10, mrr10, empty }: Figures): Shares {
  return { ndcg10, recall5, recall10, mrr10, found: questions === 0 ? 1 : 1 - empty / questions }
}

/** What fell by more than .005, or is not there any more; only of the sets that were measured now. */
export function fallsFrom(before: Baseline, now: Baseline): Fall[] {
  const sets = new Set(Object.keys(now.variants).map(setOf))
  const wanted = Object.entries(before.variants).filter(([variant]) => sets.has(setOf(variant)))
  return wanted.flatMap(([variant, rows]) =>
    Object.entries(rows).flatMap(([row, shares]) =>
      Object.entries(shares).flatMap(([figure, from]) => {
        const to = now.variants[variant]?.[row]?.[figure] ?? null
        return to !== null && from - to <= tolerance + rounding ? [] : [{ variant, row, figure, from, to }]
      }),
    ),
  )
}

/** Figures are written with six decimals. */
const rounding = 1e-6

function setOf(variant: string): string {
  return variant.split('/')[0] ?? variant
}

export async function readBaseline(path: string): Promise<Baseline> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => refuse(path, 'cannot be read', cause))
  const value = parsed(text) as Partial<Baseline> | null | undefined
  if (typeof value?.model === 'string' && typeof value.variants === 'object') return value as Baseline
  return refuse(path, 'is not a baseline')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function refuse(path: string, reason: string, cause?: unknown): never {
  throw new Error(`${path}: ${reason}; --update-baseline writes one`, { cause })
}

/** Other sets' figures in the same file stay. */
export async function writeBaseline(path: string, now: Baseline): Promise<void> {
  const before = existsSync(path) ? await readBaseline(path).catch(() => null) : null
  const sets = new Set(Object.keys(now.variants).map(setOf))
  const others =
    before?.model === now.model ? Object.entries(before.variants).filter(([variant]) => !sets.has(setOf(variant))) : []
  const all = { model: now.model, variants: { ...Object.fromEntries(others), ...now.variants } }
  const rounded = (_: string, value: unknown) => (typeof value === 'number' ? Number(value.toFixed(6)) : value)
  await writeFile(path, `${JSON.stringify(all, rounded, 2)}\n`)
}
