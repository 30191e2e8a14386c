import t from 'tap'
import { readConfig, setsHeapLimit, workerEnvironment, workerPlace } from '../../../src/config/config.ts'
import { shareOf } from '../../../src/config/share.ts'

t.test('one worker: the settings as they are', async t => {
  const config = readConfig({})
  t.equal(shareOf(config, 1), config)
})

t.test('several: what there is once is divided, the rest is not', async t => {
  const config = readConfig({ MODEL_MAX_CONCURRENCY: '8', PREPARE_WORKERS: '4' })
  const share = shareOf(config, 4)
  t.match(share.database, { poolSize: 5, poolMaxOverflow: 7, poolMaxWaiting: 50 })
  t.match(share.prepare, { workers: 1, queueMb: 16, memoryMb: config.prepare.memoryMb })
  t.equal(share.guard.maxModelCalls, 2)
  t.match(share.cache, { answerBytes: 16 * 2 ** 20, embeddingBytes: 8 * 2 ** 20, keep: config.cache.keep })
  t.match(share.admission, { floor: 2, ceiling: 125, maxWaiting: 250, maxWaitMs: config.admission.maxWaitMs })
  t.equal(share.receiving.maxConnections, 2500)
  t.same(share.rateLimit, config.rateLimit, 'rate limits are counted together')
  t.same(share.ask, config.ask)
  t.same(share.budgets, { ...config.budgets, processes: 4 }, 'budgets are spent together')
})

t.test('all shares together are not more than the whole', async t => {
  const config = readConfig({ POOL_SIZE: '20', POOL_MAX_OVERFLOW: '30' })
  for (const workers of [2, 3, 7, 16]) {
    const { poolSize, poolMaxOverflow } = shareOf(config, workers).database
    t.ok(workers * (poolSize + poolMaxOverflow) <= 50, `${workers} workers`)
  }
})

t.test('never below 1, except where 0 has a meaning', async t => {
  const config = readConfig({
    POOL_SIZE: '2',
    POOL_MAX_OVERFLOW: '0',
    POOL_MAX_WAITING: '0',
    ADMISSION_MAX_WAITING: '3',
    ANSWER_CACHE_MB: '0',
    MODEL_MAX_CONCURRENCY: '1',
    MAX_CONNECTIONS: '5',
  })
  const share = shareOf(config, 8)
  t.match(share.database, { poolSize: 1, poolMaxOverflow: 0, poolMaxWaiting: 0 })
  t.match(share.admission, { floor: 1, maxWaiting: 1 })
  t.equal(share.cache.answerBytes, 0)
  t.equal(share.guard.maxModelCalls, 1)
  t.equal(share.prepare.workers, 1)
  t.equal(share.receiving.maxConnections, 1)
  t.equal(shareOf(readConfig({}), 8).guard.maxModelCalls, undefined, 'a limit that is learned stays so')
})

t.test('WORKERS: 1, a number, or auto', async t => {
  t.equal(readConfig({}).workers, 1)
  t.equal(readConfig({ WORKERS: '3' }).workers, 3)
  t.equal(readConfig({ WORKERS: 'auto' }).workers, 'auto')
  for (const WORKERS of ['0', '257', 'all', '-1', '1.5'])
    t.throws(() => readConfig({ WORKERS }), /WORKERS is .*auto, or a whole number from 1 to 256/, WORKERS)
})

t.test('a worker reads its place from what the primary wrote', async t => {
  t.same(workerPlace(workerEnvironment({ number: 2, of: 3 })), { number: 2, of: 3 })
  t.equal(workerPlace({}), null)
  t.equal(workerPlace({ ASKWELL_WORKER: 'two' }), null)
})

t.test('a heap limit that the operator has set stays', async t => {
  t.equal(setsHeapLimit({}, []), false)
  t.equal(setsHeapLimit({ NODE_OPTIONS: '--enable-source-maps' }, ['--watch']), false)
  t.equal(setsHeapLimit({ NODE_OPTIONS: '--enable-source-maps --max-old-space-size=512' }, []), true)
  t.equal(setsHeapLimit({}, ['--max_old_space_size=512']), true)
})
