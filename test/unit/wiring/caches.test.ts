import t from 'tap'
import { createEvents } from '../../../src/events.ts'
import { createMetrics } from '../../../src/metrics/metrics.ts'
import { openCaches } from '../../../src/wiring/caches.ts'

const config = {
  keep: { seconds: 300, fastSeconds: 300, abstainedSeconds: 30, staleSeconds: 600 },
  answerBytes: 2 ** 20,
  embeddingBytes: 2 ** 20,
  embeddingSeconds: 300,
  semantic: { mode: 'off', acceptedError: 0.01 },
} as const

function setUp() {
  const metrics = createMetrics(() => ({ size: 0, open: 0, checkedOut: 0, waiting: 0 }) as never)
  const events = createEvents(error => {
    throw error
  })
  for (const each of metrics.subscribers) events.subscribe(each)
  t.teardown(metrics.stop)
  const count = async (name: string) => await metrics.registry.getSingleMetricAsString(`askwell_cache_${name}_total`)
  return { count, caches: openCaches({ config, redis: undefined, events: events.emit }) }
}

t.test('vectors come back in half precision', async t => {
  const vectors = setUp().caches.vectors({ model: 'a', dimensions: () => 3 })
  vectors.set('text', Float32Array.of(0.1, 0.2, 0.3))
  const found = await vectors.get('text')
  t.type(found, Float32Array)
  t.same([...found!], [...new Float32Array(Float16Array.of(0.1, 0.2, 0.3))])
})

t.test("vectors of another model are not found, nor those of another length than the model's", async t => {
  const { caches, count } = setUp()
  let length: number | null = 3
  const vectors = caches.vectors({ model: 'a', dimensions: () => length })
  vectors.set('text', Float32Array.of(1, 0, 0))
  t.equal(await caches.vectors({ model: 'b', dimensions: () => 3 }).get('text'), undefined)
  for (const other of [4, null]) {
    length = other
    t.equal(await vectors.get('text'), undefined, String(other))
  }
  length = 3
  t.ok(await vectors.get('text'))
  t.match(await count('hits'), '{cache_type="embedding",tier="memory"} 1')
  t.match(await count('misses'), '{cache_type="embedding"} 3')
})

t.test('a completion that is found counts as a hit, with what it saves', async t => {
  const { caches, count } = setUp()
  const usage = { llmCalls: 1, promptTokens: 10, completionTokens: 2 }
  t.equal(await caches.completions.get('key'), undefined)
  caches.completions.set('key', { text: 'words', usage, madeAt: 0, tookMs: 2000 }, 5000)
  t.equal((await caches.completions.get('key'))?.tier, 'memory')
  t.match(await count('misses'), '{cache_type="draft"} 1')
  t.match(await count('hits'), '{cache_type="draft",tier="memory"} 1')
  t.match(await count('saved_seconds'), 'total 2')
  t.match(await count('saved_llm_tokens'), '{kind="prompt"} 10')
})
