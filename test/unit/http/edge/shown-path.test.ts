import { Writable } from 'node:stream'
import { pino } from 'pino'
import t from 'tap'
import { shownPath } from '../../../../src/http/edge/shown-path.ts'
import { edgeApp } from '../../../support/edge.ts'

t.test('an address for people: without its query, and not as long as a header may be', async t => {
  t.equal(shownPath('/ask?key=secret'), '/ask')
  t.equal(shownPath(`/${'a'.repeat(299)}`), `/${'a'.repeat(299)}`)
  t.equal(shownPath(`/${'a'.repeat(12_000)}?secret`), `/${'a'.repeat(299)}… (12001 characters)`)
})

t.test('so it stands in the reply and in the log', async t => {
  const lines: string[] = []
  const log = pino({ level: 'info' }, new Writable({ write: (line, _, done) => (lines.push(String(line)), done()) }))
  const app = await edgeApp({ log })
  for (const [method, url] of [
    ['GET', `/${'a'.repeat(12_000)}?secret`],
    ['POST', `/documents/${'a'.repeat(90)}?secret`],
  ] as const) {
    const { body } = await app.inject({ method, url })
    t.ok(body.length < 800, `${body.length} characters`)
    t.notMatch(body, /secret/)
  }
  t.equal(lines.length, 2)
  for (const line of lines) t.ok(line.length < 600 && !line.includes('secret'), line.slice(0, 100))
})
