import t from 'tap'
import { measure, type Measuring } from '../../../../src/ask/calibration/measure.ts'

/** What is embedded to measure a collection. The measurements themselves are tested with a database and real models. */

const title = `one two three ${'😀'.repeat(20)}`
const text = 'What stands here is long enough to be what is left of the chunk without its title.'

t.test('a text that is cut to what the model takes is not cut within a character', async t => {
  const embedded: string[] = []
  const found = { candidates: [], passages: new Map(), lexicalMaximum: 0, isOvertaken: false, readings: [] }
  const collection = { id: 1, name: 'c', epoch: 1, epochMark: 'm', chunkCount: 1, modelId: 1, windowsPerChunk: 1 }
  const settings = { efSearch: null, languages: ['en'], vectorWeights: {}, calibration: null, caching: {} }
  const measuring: Measuring = {
    collection: { ...collection, ...settings },
    store: { search: async () => found },
    sample: async () => [1, 2].map(chunkId => ({ chunkId, documentId: 'd', title, language: 'en', text, start: 0 })),
    embedder: {
      embed: async texts => {
        embedded.push(...texts)
        return texts.map(() => Float32Array.of(1))
      },
      languages: ['en'],
      countTokens: each => each.length,
      maxTokens: 21,
    },
    windowTexts: chunk => [chunk.text],
    step: work => work(),
    signal: new AbortController().signal,
  }
  t.ok(await measure(measuring))
  const cut = embedded.filter(each => each.startsWith('one two three'))
  t.ok(cut.length > 0)
  for (const each of embedded) t.ok(each.isWellFormed() && each.length <= 21, each)
})
