import t from 'tap'
import { heapMbFor, workersFor } from '../../../src/cluster/size.ts'

const gb = 2 ** 30
const machine = (cores: number, memoryBytes: number, isLimited = true) => ({ cores, memoryBytes, isLimited })

t.test('WORKERS=auto: one per core, fewer where memory is short, at least one', async t => {
  t.equal(workersFor(machine(4, 8 * gb)), 4)
  t.equal(workersFor(machine(8, 2 * gb)), 4, '512 MB each')
  t.equal(workersFor(machine(8, 0.25 * gb)), 1)
  t.equal(workersFor(machine(1, 64 * gb)), 1)
})

t.test('the heaps of all workers take 60 % of a memory limit', async t => {
  t.equal(heapMbFor(machine(4, 2 * gb), 4), 307)
  t.equal(heapMbFor(machine(2, 2 * gb), 1), 1228)
  t.equal(heapMbFor(machine(4, 2 * gb, false), 4), null, "without a limit, Node's own")
  t.equal(heapMbFor(machine(64, 0.125 * gb), 64), 64, 'enough to start')
})
