import fc from 'fast-check'
import t from 'tap'
import { decodeVector, encodeVector } from '../../../../src/adapters/redis/vector-codec.ts'
import { directionText, vectorText } from '../../../../src/adapters/postgres/vector-text.ts'

const vectors = fc.float32Array({ minLength: 2, maxLength: 64, noNaN: true, noDefaultInfinity: true, min: -1, max: 1 })

t.test('a direction as text is whole numbers that a halfvec holds, and points where the vector does', async t => {
  fc.assert(
    fc.property(
      vectors.filter(vector => norm(vector) > 1e-3),
      vector => {
        const numbers = Float32Array.from(JSON.parse(directionText(vector)) as number[])
        if (!numbers.every(number => Number.isInteger(number) && Math.abs(number) <= 32_767)) return false
        return 1 - cosine(vector, numbers) < 1e-7
      },
    ),
    { numRuns: 500 },
  )
  t.equal(directionText(new Float32Array([0.25, -1, 0])), '[4096,-16384,0]')
  t.equal(directionText(new Float32Array(3)), '[0,0,0]', 'nowhere stays nowhere')
})

t.test('a vector as text has five decimals', async t => {
  t.equal(vectorText(new Float32Array([0.25, -1, 0.123456])), '[0.25000,-1.00000,0.12346]')
})

t.test('a vector that a cache kept in sixteen bits is as near to itself as the cache left it', async t => {
  const isKept = fc.property(
    vectors.filter(vector => norm(vector) > 0.1),
    vector => {
      const kept = new Float32Array(decodeVector(encodeVector(new Float16Array(vector)))!)
      const numbers = Float32Array.from(JSON.parse(directionText(kept)) as number[])
      return 1 - cosine(kept, numbers) < 1e-7
    },
  )
  t.doesNotThrow(() => fc.assert(isKept, { numRuns: 500 }))
})

function norm(vector: Float32Array): number {
  return Math.hypot(...vector)
}

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, place) => sum + value * b[place]!, 0) / (norm(a) * norm(b))
}
