import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { groundDraft, type SupportChecker } from '../../src/ask/grounding/ground.ts'
import type { Passage } from '../../src/ask/terms/passage.ts'
import type { GroundingCase, GroundingPassage } from './terms.ts'

export interface Count {
  readonly wrong: number
  readonly of: number
}

export interface Measured {
  /** True sentences that were taken away. */
  readonly truth: Count
  /** Lies that were let through. */
  readonly lies: Count
  readonly groups: readonly (Count & { readonly kind: string; readonly language: string })[]
  /** Milliseconds. */
  readonly times: { readonly p50: number; readonly p95: number }
  readonly wrong: readonly { readonly each: GroundingCase; readonly reasons: string }[]
}

export function readCases() {
  const rows = <T>(name: string) =>
    readFileSync(join(import.meta.dirname, name), 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as T)
  const passages = new Map(rows<GroundingPassage>('passages.jsonl').map(each => [each.id, passageOf(each)]))
  return { cases: rows<GroundingCase>('cases.jsonl'), passages }
}

export function passageOf({ id, language, title, text }: GroundingPassage): Passage {
  return {
    chunkId: `${id}.0`,
    documentId: id,
    version: 1,
    source: id,
    title,
    url: null,
    language,
    text,
    start: 0,
    end: text.length,
    page: null,
    metadata: {},
    windows: [],
    scores: { lexical: null, lexicalRank: null, vector: null, vectorRank: null, fused: 0.5, coverage: 1 },
  }
}

interface Checked {
  readonly each: GroundingCase
  readonly ms: number
  readonly isWrong: boolean
  readonly reasons: string
}

export async function measureGrounding(
  cases: readonly GroundingCase[],
  passages: ReadonlyMap<string, Passage>,
  checker?: SupportChecker,
): Promise<Measured> {
  const checked: Checked[] = []
  for (const each of cases) {
    const shown = each.passages.map(id => passages.get(id)!)
    const startedAt = performance.now()
    const { dropped } = await groundDraft(each.draft, {
      passages: shown,
      question: '',
      language: each.language,
      checker,
    })
    const ms = performance.now() - startedAt
    const isTrue = each.kind === 'true'
    const isWrong = isTrue === dropped.length > 0
    checked.push({ each, ms, isWrong, reasons: dropped.map(({ reason, detail }) => `${reason}: ${detail}`).join('; ') })
  }
  const countOf = (some: readonly Checked[]): Count => ({
    wrong: some.filter(({ isWrong }) => isWrong).length,
    of: some.length,
  })
  const groups = Map.groupBy(checked, ({ each }) => `${each.kind}\n${each.language}`)
  const sorted = checked.map(({ ms }) => ms).sort((a, b) => a - b)
  return {
    truth: countOf(checked.filter(({ each }) => each.kind === 'true')),
    lies: countOf(checked.filter(({ each }) => each.kind !== 'true')),
    groups: [...groups].sort().map(([key, some]) => {
      const [kind = '', language = ''] = key.split('\n')
      return { kind, language, ...countOf(some) }
    }),
    times: { p50: sorted[Math.floor(sorted.length / 2)] ?? 0, p95: sorted[Math.floor(sorted.length * 0.95)] ?? 0 },
    wrong: checked.filter(({ isWrong }) => isWrong),
  }
}
