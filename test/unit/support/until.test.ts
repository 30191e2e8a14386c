import t from 'tap'
import { until, waitWith } from '../../support/until.ts'

t.test('asks again until the answer is yes, and gives it back', async t => {
  let asked = 0
  t.equal(await until('the third time', async () => (++asked < 3 ? null : `asked ${asked} times`)), 'asked 3 times')
})

t.test('what happened just before the end is still seen', async t => {
  let asked = 0
  t.equal(await until('the second time', () => ++asked > 1 && 'here', { ended: () => asked > 0 }), 'here')
})

t.test('fails when what is watched ends, with how it did', async t => {
  await t.rejects(
    until('it is ready', () => false, { ended: Promise.resolve({ code: 1, stderr: 'no port' }) }),
    { message: /^it never came to be that it is ready: it ended: .*code: 1.*no port/ },
  )
  await t.rejects(
    until('it is ready', () => false, { ended: Promise.reject(new Error('spawn ENOENT')) }),
    { message: /it ended: .*spawn ENOENT/ },
  )
  await t.rejects(
    until('it is ready', () => false, { ended: () => 'SIGKILL' }),
    { message: /it ended: 'SIGKILL'/ },
  )
})

t.test('an exit code of 0 is an end; null, undefined and false are none', async t => {
  await t.rejects(
    until('it is ready', () => false, { ended: () => 0 }),
    { message: /it ended: 0/ },
  )
  for (const none of [null, undefined, false]) {
    let asked = 0
    t.ok(await until('the third time', () => ++asked > 2, { ended: () => none }))
  }
})

t.test('fails when nothing changes for long, and when a question is never answered', async t => {
  await t.rejects(
    waitWith(2)('it moves', () => false, { progress: () => 7 }),
    { message: /it moves: nothing changed for long; progress: 7/ },
  )
  await t.rejects(
    waitWith(2)('it replies', () => new Promise(() => {})),
    { message: /it replies: nothing changed/ },
  )
})

t.test('goes on as long as something changes', async t => {
  let count = 0
  t.ok(await waitWith(1)('it has come far', () => count > 5, { progress: () => ++count }))
})

t.test('an error of who asks or of who watches is that of the wait', async t => {
  await t.rejects(
    until('it replies', () => Promise.reject(new Error('refused'))),
    { message: 'refused' },
  )
  let watched = 0
  const progress = () => {
    if (watched++ > 0) throw new Error('no such file')
    return 0
  }
  await t.rejects(
    until('it moves', () => false, { progress }),
    { message: 'no such file' },
  )
})
