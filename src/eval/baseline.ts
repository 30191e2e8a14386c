import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import type { Figures } from './figures.ts'
import type { Measured } from './measure.ts'

/** How far a share may fall before it counts: half a point, which is the noise in sets of a few hundred questions. */
const tolerance = 0.005

/** Shares (0…1) where higher is better. */
type Shares = Readonly<Record<string, number>>

/** Earlier figures that later runs are compared with, by variant and then by row of the table. */
export interface Baseline {
  /** Embedding model that the figures were measured with. */
  readonly model: string
  readonly variants: Readonly<Record<string, Readonly<Record<string, Shares>>>>
}

export interface Fall {
  readonly variant: string
  readonly row: string
  readonly figure: string
  readonly from: number
  /** Null when the figure is no longer measured. */
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

/**
 * `found` is the share of questions with at least one result. Latency is left out because it depends on the machine.
 */
function sharesOf({ questions, ndcg10, recall5, recall10, mrr10, empty }: Figures): Shares {
  return { ndcg10, recall5, recall10, mrr10, found: questions === 0 ? 1 : 1 - empty / questions }
}

/** Figures that fell by more than 0.005 or are missing now. Only sets that were measured now are compared. */
export function fallsFrom(before: Baseline, now: Baseline): Fall[] {
  const sets = new Set(Object.keys(now.variants).map(setOf))
  const measuredBefore = Object.entries(before.variants).filter(([variant]) => sets.has(setOf(variant)))
  return measuredBefore.flatMap(([variant, rows]) =>
    Object.entries(rows).flatMap(([row, shares]) =>
      Object.entries(shares).flatMap(([figure, from]) => {
        const to = now.variants[variant]?.[row]?.[figure] ?? null
        return to !== null && from - to <= tolerance + rounding ? [] : [{ variant, row, figure, from, to }]
      }),
    ),
  )
}

/** Allowance for baselines being stored with six decimals. */
const rounding = 1e-6

function setOf(variant: string): string {
  return variant.split('/')[0] ?? variant
}

export async function readBaseline(path: string): Promise<Baseline> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => reject(path, 'cannot be read', cause))
  const value = parseJson(text) as Partial<Baseline> | null | undefined
  if (typeof value?.model === 'string' && typeof value.variants === 'object') return value as Baseline
  return reject(path, 'is not a baseline')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function reject(path: string, reason: string, cause?: unknown): never {
  throw new Error(`${path}: ${reason}; write one with --update-baseline`, { cause })
}

/** Figures of other sets in the file are preserved. */
export async function writeBaseline(path: string, now: Baseline): Promise<void> {
  const before = existsSync(path) ? await readBaseline(path).catch(() => null) : null
  const sets = new Set(Object.keys(now.variants).map(setOf))
  const others =
    before?.model === now.model ? Object.entries(before.variants).filter(([variant]) => !sets.has(setOf(variant))) : []
  const all = { model: now.model, variants: { ...Object.fromEntries(others), ...now.variants } }
  const rounded = (_: string, value: unknown) => (typeof value === 'number' ? Number(value.toFixed(6)) : value)
  await writeFile(path, `${JSON.stringify(all, rounded, 2)}\n`)
}
