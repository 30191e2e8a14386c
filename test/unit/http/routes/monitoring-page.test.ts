import { hash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import tap from 'tap'
import { readPage } from '../../../../src/http/pages/page.ts'
import { policyOf } from '../../../../src/http/routes/monitoring-page.ts'
import { contractFaults } from '../../../support/contract.ts'
import { edgeApp, edgeStartingApp } from '../../../support/edge.ts'

const monitoringPage = readPage('monitoring')

tap.test('monitoring page: lets only its own script and style run, and asks nobody else', async t => {
  const { headers, body } = await (await edgeApp()).inject('/monitoring')
  t.match(headers, {
    'content-type': 'text/html; charset=utf-8',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-cache',
  })
  const policy = String(headers['content-security-policy'])
  const directives = new Map(
    policy.split('; ').map(part => [part.slice(0, part.indexOf(' ')), part.slice(part.indexOf(' ') + 1)]),
  )
  for (const tag of ['script', 'style']) {
    const blocks = [...body.matchAll(new RegExp(`<${tag}[^>]*>(.*?)</${tag}>`, 'gs'))]
    t.equal(blocks.length, 1, `one <${tag}>`)
    t.equal(directives.get(`${tag}-src`), `'sha256-${hash('sha256', blocks[0]![1]!, 'base64')}'`)
  }
  t.match(Object.fromEntries(directives), {
    'default-src': "'none'",
    'connect-src': "'self'",
    'frame-ancestors': "'none'",
    'require-trusted-types-for': "'script'",
  })
  t.notMatch(policy, /unsafe|\*|https?:/)
  t.notMatch(body, /<img|\ssrc=|@import|url\(|\son\w+=|\sstyle=|innerHTML|https?:\/\/(?!www\.w3\.org\/)/)
})

tap.test('monitoring page: is there while the service starts, as the contract says', async t => {
  const app = await edgeStartingApp()
  const { statusCode: status, headers, body } = await app.inject('/monitoring')
  t.equal(status, 200)
  t.same(contractFaults({ method: 'GET', path: '/monitoring', status, headers, body }), [])
})

tap.test('monitoring page: a change of its script is a change of its policy', async t => {
  t.not(policyOf(monitoringPage), policyOf(monitoringPage.replace('pollMs = 3000', 'pollMs = 3001')))
  t.throws(() => policyOf('<style></style>'), /no <script>/)
})

tap.test(
  'monitoring page: comes packed in less than 20 kB to who takes that, and as it is to who does not',
  async t => {
    const app = await edgeApp()
    const sent = async (accepted: string) =>
      await app.inject({ url: '/monitoring', headers: { 'accept-encoding': accepted } })
    for (const accepted of ['gzip, deflate, br', 'br;q=1, gzip;q=0.5']) {
      const { headers, rawPayload } = await sent(accepted)
      t.match(headers, {
        'content-encoding': 'gzip',
        'content-length': String(rawPayload.length),
        vary: 'accept-encoding',
      })
      t.equal(gunzipSync(rawPayload).toString(), monitoringPage)
      t.ok(rawPayload.length < 20_000, `${rawPayload.length} bytes`)
    }
    for (const accepted of ['', 'identity', 'br, gzip;q=0', 'gzip;q=0.0, br'])
      t.equal((await sent(accepted)).body, monitoringPage, accepted)
  },
)
