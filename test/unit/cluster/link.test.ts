import t from 'tap'
import { createLink, type Link } from '../../../src/cluster/link.ts'

type Calls = { add(a: number, b: number): number; fail(): never; note(text: string): void; silent(): Promise<never> }

/** Two ends, whose messages are copied as between processes. */
function pair() {
  const notes: string[] = []
  const failures: string[] = []
  const mine: Calls = {
    add: (a, b) => a + b,
    fail() {
      throw new Error('no')
    },
    note: text => void notes.push(text),
    silent: () => new Promise(() => {}),
  }
  const ends: { asker?: Link<Calls>; other?: Link<Calls> } = {}
  const send = (to: 'asker' | 'other') => (message: unknown) =>
    queueMicrotask(() => void ends[to]?.receive(structuredClone(message)))
  const asker = (ends.asker = createLink<Calls>({ send: send('other'), mine: {}, onFailed: () => {} }))
  ends.other = createLink<Calls>({
    send: send('asker'),
    mine,
    onFailed: (error, name) => void failures.push(`${name}: ${(error as Error).message}`),
  })
  return { asker, notes, failures }
}

t.test('a call gets its own result', async t => {
  const { asker } = pair()
  t.same(await Promise.all([asker.ask(60_000, 'add', 1, 2), asker.ask(60_000, 'add', 3, 4)]), [3, 7])
})

t.test('no result: undefined, never a rejection', async t => {
  const { asker, failures } = pair()
  t.equal(await asker.ask(60_000, 'fail'), undefined)
  t.same(failures, ['fail: no'])
  t.equal(await asker.ask(1, 'silent'), undefined, 'too late')
  const open = asker.ask(60_000, 'silent')
  asker.close()
  t.equal(await open, undefined, 'the other process has ended')
})

t.test('tell: no reply', async t => {
  const { asker, notes } = pair()
  asker.tell('note', 'hello')
  await asker.ask(60_000, 'add', 0, 0)
  t.same(notes, ['hello'])
})

t.test('messages of others are left alone', async t => {
  const { asker } = pair()
  for (const message of [null, 'text', 7, {}, { cmd: 'NODE_CLUSTER' }]) t.equal(asker.receive(message), false)
})
