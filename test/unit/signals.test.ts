import { EventEmitter } from 'node:events'
import t from 'tap'
import { onStopSignals } from '../../src/signals.ts'

/** Signals of a process that a launcher may have started: npm passes on what the terminal has sent to both. */

function listening(isLaunched: boolean) {
  const source = new EventEmitter()
  let at = 0
  let heard = 0
  const release = onStopSignals(() => void heard++, { isLaunched, source, now: () => at })
  return { source, release, later: (ms: number) => void (at += ms), heard: () => heard }
}

t.test('started by hand: each signal counts, however soon', async t => {
  const { source, heard } = listening(false)
  source.emit('SIGTERM')
  source.emit('SIGTERM')
  source.emit('SIGINT')
  t.equal(heard(), 3)
})

t.test('started by npm: Ctrl-C, which comes twice, counts once; one that comes later is another', async t => {
  const { source, later, heard } = listening(true)
  later(10_000)
  source.emit('SIGINT')
  later(499)
  source.emit('SIGINT')
  t.equal(heard(), 1)
  later(500)
  source.emit('SIGINT')
  t.equal(heard(), 2)
})

t.test('the echo counts as little when another listens by then', async t => {
  const before = listening(true)
  before.later(20_000)
  before.source.emit('SIGINT')
  before.release()
  t.equal(before.source.listenerCount('SIGINT') + before.source.listenerCount('SIGTERM'), 0)
  const next = listening(true)
  next.later(20_001)
  next.source.emit('SIGINT')
  t.equal(next.heard(), 0)
})
