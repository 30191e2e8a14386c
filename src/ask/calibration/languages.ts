import { farQuestions } from './far-questions.ts'
import { clamp, mean } from './statistics.ts'

/** Vectors of far questions by language, in the order of the questions. */
export type FarVectors = ReadonlyMap<string, readonly Float32Array[]>

/** Questions per language that are compared with their translations. */
export const compared = 12

/**
 * How well a model connects two languages, 0…1: how often the most similar of the far questions in `to` is the
 * translation of one in `from`, above chance.
 */
export function connection(vectors: FarVectors, from: string, to: string): number {
  const [asked, told] = [vectors.get(from) ?? [], vectors.get(to) ?? []]
  const count = Math.min(compared, asked.length, told.length)
  if (count < 2) return 0
  const hits = mean(asked.slice(0, count).map((vector, i) => (nearest(vector, told.slice(0, count)) === i ? 1 : 0)))
  return clamp((hits - 1 / count) / (1 - 1 / count), 0, 1)
}

/** By chance, the best connection of a language with any of the others is a third. */
const leastConnection = 0.5

/** How well the model reads this language as far as others show: a multilingual one connects it with some of them. */
export function bestConnection(vectors: FarVectors, language: string): number {
  const others = [...vectors.keys()].filter(each => each !== language)
  const best = Math.max(0, ...others.map(each => connection(vectors, language, each)))
  return best < leastConnection ? 0 : best
}

/** Languages with far questions that the model claims to read. */
export function comparableLanguages(languages: readonly string[] | 'any'): string[] {
  return Object.keys(farQuestions).filter(each => languages === 'any' || languages.includes(each))
}

function nearest(vector: Float32Array, among: readonly Float32Array[]): number {
  let [best, highest] = [-1, -Infinity]
  among.forEach((each, i) => {
    const similarity = dot(vector, each)
    if (similarity > highest) [best, highest] = [i, similarity]
  })
  return best
}

export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}
