import { spawn } from 'node:child_process'
import { once } from 'node:events'
import tap from 'tap'
import { aliveOf, descendantsOf, residentMb } from '../../hostile/processes.ts'
import { until } from '../../support/until.ts'

const hasProc = process.platform === 'linux'

tap.test(
  'processes: children and theirs are seen, and are gone when they have ended',
  { skip: hasProc ? false : 'there is no /proc' },
  async t => {
    const before = descendantsOf(process.pid).length
    const parent = spawn('sh', ['-c', 'sleep 1000 & echo; wait'], { stdio: ['pipe', 'pipe', 'ignore'] })
    t.teardown(() => parent.kill('SIGKILL'))
    await once(parent.stdout, 'data')
    const seen = descendantsOf(process.pid)
    t.equal(seen.length - before, 2)
    t.same(aliveOf(seen), seen)
    t.ok(residentMb(parent.pid!) > 0)
    const [, grandchild] = seen.slice(-2)
    // An orphan stays: whoever looks only below its parent would not see it any more.
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    t.same(aliveOf(seen), [grandchild])
    process.kill(grandchild!.pid, 'SIGKILL')
    await until('it is gone', () => aliveOf(seen).length === 0)
    t.equal(residentMb(parent.pid!), 0)
  },
)

tap.test(
  'processes: another with the same number is another',
  { skip: hasProc ? false : 'there is no /proc' },
  async t => {
    const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] })
    t.teardown(() => child.kill('SIGKILL'))
    const own = descendantsOf(process.pid).find(({ pid }) => pid === child.pid)!
    t.same(aliveOf([own, { ...own, startedAt: '1' }]), [own])
  },
)
