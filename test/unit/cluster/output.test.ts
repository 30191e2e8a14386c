import { PassThrough } from 'node:stream'
import { finished } from 'node:stream/promises'
import t from 'tap'
import { copyLines } from '../../../src/cluster/output.ts'

t.test('lines arrive whole, however they are cut, and the last one ends', async t => {
  const from = new PassThrough()
  const written: string[] = []
  copyLines(from, {
    write: lines => void written.push(lines.toString()),
    isBlocked: () => false,
    onceDrained() {},
    status: () => ({ lost: 0, lostAgoMs: null }),
  })
  for (const chunk of ['one\ntw', 'o', '\nthree\nfour\nfi', 've']) from.write(chunk)
  from.end()
  await finished(from)
  t.same(
    written,
    ['one\n', 'two\nthree\nfour\n', 'five\n'].flatMap(each => each),
  )
  t.ok(written.every(each => each.endsWith('\n')))
})
