import { randomOf, type Random } from './random.ts'

export const dimensions = 512

/** Shares of a vector's variance: what it has in common with all, its topic, its subtopic, its document, and its own. */
const shares = { all: 0.1, topic: 0.22, subtopic: 0.25, document: 0.08, own: 0.35 }

/** Cosine of a question and the chunk it was made from. */
const questionNearness = 0.75

// Variance along the k-th axis goes as 1/k: vectors of 512 numbers that vary in about thirty directions, as those of
// text do. With even noise all neighbours would be equally far and the nearest of them an accident.
const spread = Float32Array.from({ length: dimensions }, (_, k) => 1 / Math.sqrt(k + 1))
const spreadNorm = Math.hypot(...spread)

export interface Place {
  readonly topic: number
  readonly subtopic: number
  readonly document: number
}

/** Clustered unit vectors: topics hold subtopics, these documents, these chunks. */
export function createVectors(seed: number) {
  const centres = new Map<number, Float32Array>()
  let document = { number: -1, centre: new Float32Array(dimensions) }

  function centreOf(place: Place): Float32Array {
    if (document.number === place.document) return document.centre
    const centre = subtopicCentre(place).slice()
    addNoise(centre, randomOf(seed, 3, place.document), shares.document)
    document = { number: place.document, centre }
    return centre
  }

  function subtopicCentre({ topic, subtopic }: Place): Float32Array {
    const known = centres.get(subtopic)
    if (known) return known
    const centre = new Float32Array(dimensions)
    addNoise(centre, randomOf(seed, 0), shares.all)
    addNoise(centre, randomOf(seed, 1, topic), shares.topic)
    addNoise(centre, randomOf(seed, 2, subtopic), shares.subtopic)
    centres.set(subtopic, centre)
    return centre
  }

  /** Of one chunk, by its number in the whole corpus. */
  function ofChunk(place: Place, chunk: number): Float32Array {
    const vector = centreOf(place).slice()
    addNoise(vector, randomOf(seed, 4, chunk), shares.own)
    return unit(vector)
  }

  /** Of a question about that chunk. */
  function ofQuestion(chunkVector: Float32Array, question: number): Float32Array {
    const vector = chunkVector.map(value => value * questionNearness)
    addNoise(vector, randomOf(seed, 5, question), 1 - questionNearness ** 2)
    return unit(vector)
  }

  return { ofChunk, ofQuestion }
}

/** Noise of this variance in all, along axes in an order of its own: every cluster is stretched in other directions. */
function addNoise(vector: Float32Array, random: Random, variance: number): void {
  const scale = Math.sqrt(variance) / spreadNorm
  const stride = random.below(dimensions / 2) * 2 + 1
  let axis = random.below(dimensions)
  for (let k = 0; k < dimensions; k++) {
    vector[axis]! += random.gaussian() * spread[k]! * scale
    axis = (axis + stride) % dimensions
  }
}

function unit(vector: Float32Array): Float32Array {
  let sum = 0
  for (const value of vector) sum += value * value
  const scale = 1 / Math.sqrt(sum)
  for (let i = 0; i < vector.length; i++) vector[i]! *= scale
  return vector
}
