import { fuse, vectorShare } from '../retrieval/fuse.ts'
import type { Candidate } from '../retrieval/passage-search.ts'
import { rounded } from './range.ts'
import { clamp, mean } from './statistics.ts'

/** What both retrievers found for a question whose chunk is known. */
export interface Trial {
  readonly chunkId: number
  readonly found: readonly Candidate[]
}

/** Weight of the dense retriever where it ranks well; words keep the rest. */
const fullWeight = 0.7
/** Trust in a model at which it gets no weight, and the full one. */
const [noTrust, fullTrust] = [0.2, 0.55]
/** Without any trial: less than a model that works, more than one that does not. */
export const unknownTrust = 0.35

/** As many trials weigh as much as what is known without them. */
const trustStrength = 6
/** What a weight must gain, in nDCG@10 times trials, per squared distance from the one that trust suggests. */
const caution = 4
const weights: readonly number[] = Array.from({ length: 17 }, (_, step) => step / 20)

/**
 * The weight of the dense retriever that the trials justify. `known` is the trust without them, 0…1; `span` as in
 * {@link vectorShare}. The ranking of the dense retriever alone says whether it can be trusted at all: near the best
 * weight the fused ranking hardly changes, so that few trials would choose it by chance.
 */
export function weightFrom(trials: readonly Trial[], { known, span, chunkCount }: WeightTerms): number {
  const trust = trustFrom(trials, known, chunkCount)
  const suggested = fullWeight * ramp(trust)
  if (trials.length === 0 || suggested === 0) return rounded(suggested)
  const gains = weights.map(weight => {
    const score = mean(trials.map(trial => fusedScore(trial, weight, span)))
    return { weight, value: score - (caution * (weight - suggested) ** 2) / trials.length }
  })
  return gains.reduce((best, each) => (each.value > best.value ? each : best)).weight
}

interface WeightTerms {
  readonly known: number
  readonly span: number
  readonly chunkCount: number
}

/**
 * How well the dense retriever ranks alone compared with words alone, above chance: 0 is chance, 1 is as well as words.
 * In a small collection chance ranks well, too, and each trial says less.
 */
export function trustFrom(trials: readonly Trial[], known: number, chunkCount: number): number {
  const chance = chanceScore(chunkCount)
  const dense = mean(trials.map(({ chunkId, found }) => scoreOf(chunkId, ranking(found, 'vector')))) - chance
  const lexical = mean(trials.map(({ chunkId, found }) => scoreOf(chunkId, ranking(found, 'lexical')))) - chance
  const measured = clamp(dense / Math.max(lexical, 0.5 * (1 - chance), 0.01), 0, 1)
  const weight = trials.length * (1 - chance)
  return (weight * measured + trustStrength * known) / (weight + trustStrength)
}

/** A weight for questions in a language that none of the documents has, by how well the model connects the two. */
export function crossWeight(connected: number, ownWeight: number): number {
  return rounded(Math.min(ownWeight, fullWeight * ramp(connected)))
}

function ramp(trust: number): number {
  return clamp((trust - noTrust) / (fullTrust - noTrust), 0, 1)
}

/** Mean nDCG@10 of a random ranking in which one chunk is right. */
function chanceScore(chunkCount: number): number {
  let sum = 0
  for (let rank = 1; rank <= Math.min(10, chunkCount); rank++) sum += 1 / Math.log2(rank + 1)
  return Math.min(1, sum / Math.max(1, chunkCount))
}

function fusedScore({ chunkId, found }: Trial, weight: number, span: number): number {
  const ranked = fuse(found, vectorShare(found, weight, span)).map(each => each.chunkId)
  return scoreOf(chunkId, ranked)
}

function ranking(found: readonly Candidate[], arm: 'vector' | 'lexical'): number[] {
  return found
    .flatMap(each => (each[arm] === null ? [] : [{ chunkId: each.chunkId, score: each[arm] }]))
    .sort((x, y) => y.score - x.score || x.chunkId - y.chunkId)
    .map(each => each.chunkId)
}

/** nDCG@10 with one right chunk. */
function scoreOf(chunkId: number, ranked: readonly number[]): number {
  const rank = ranked.indexOf(chunkId)
  return rank === -1 || rank >= 10 ? 0 : 1 / Math.log2(rank + 2)
}
