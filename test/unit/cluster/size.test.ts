import t from 'tap'
import { heapMbFor, quotaCores, workersFor } from '../../../src/cluster/size.ts'

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

t.test('the CPU quota of cgroup v1, in a container and on its host', async t => {
  const readFrom = (files: Readonly<Record<string, string>>) => (file: string) => {
    const text = files[file]
    if (text === undefined) throw new Error(`no ${file}`)
    return text
  }
  const quota = (folder: string, us: string) => ({
    [`${folder}/cpu.cfs_quota_us`]: `${us}\n`,
    [`${folder}/cpu.cfs_period_us`]: '100000\n',
  })
  const groups = '9:name=systemd:/\n2:cpuacct:/\n1:cpu:/box\n0::/\n'
  const coresOf = (folder: string, us: string, list = groups) =>
    quotaCores(readFrom({ '/proc/self/cgroup': list, ...quota(folder, us) }))
  t.equal(coresOf('/sys/fs/cgroup/cpu/box', '250000'), 2)
  t.equal(coresOf('/sys/fs/cgroup/cpu', '100000'), 1, 'mounted at the root')
  t.equal(coresOf('/sys/fs/cgroup/cpu/box', '20000'), 1, 'a fifth of a core')
  t.equal(coresOf('/sys/fs/cgroup/cpu/box', '-1'), Infinity, 'no quota')
  t.equal(coresOf('/sys/fs/cgroup/cpu,cpuacct/box', '300000', '4:cpu,cpuacct:/box\n'), 3)
  t.equal(quotaCores(readFrom({ '/proc/self/cgroup': '0::/box\n' })), Infinity, 'cgroup v2 is read by libuv')
  t.equal(quotaCores(readFrom({})), Infinity, 'not Linux')
})
