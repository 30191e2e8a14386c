import t from 'tap'
import { compare, figureOf } from '../../../bench/latency/compare.ts'
import { htmlOf } from '../../../bench/latency/html.ts'
import { readOptions } from '../../../bench/latency/options.ts'
import type { Report } from '../../../bench/latency/report.ts'
import { chosen } from '../../../bench/latency/scenarios.ts'
import { ratioOf, shotOf } from '../../../bench/latency/shots.ts'
import { summaryOf } from '../../../bench/latency/summary.ts'
import type { Figure } from '../../../bench/latency/terms.ts'

const figure: Figure = { name: 'hot: requests a second | <b>', better: 'more', turns: [0.5, 0.5], controls: [1, 1] }

const report = (now: number): Report => ({
  date: '2026-01-02T03:04:05Z',
  commit: 'abc',
  command: 'npm run bench',
  node: 'v24.0.0',
  machine: { cpu: 'a', cores: 2, memoryGb: 4 },
  options: { quick: true, embedded: false, maxLoss: 0.15 },
  failed: {},
  compared: compare(
    { commit: 'abc', date: '', figures: { [figure.name]: figureOf(figure) } },
    [{ ...figure, turns: [now, now] }],
    ['hot'],
    0.15,
  ),
  outcomes: {
    hot: {
      tables: [{ title: 'a table', rows: [{ what: 'a', ms: 1.5 }] }],
      figures: [figure],
      claims: [{ what: 'fast', measured: 1, wanted: '≥ 2', isReached: false }],
      curves: [
        {
          title: 'latency',
          name: 'a',
          points: [
            [10, 1],
            [50, 2],
            [99, 30],
          ],
        },
      ],
      sweeps: [
        {
          title: 'throughput',
          name: 'a',
          points: [
            { connections: 1, perSecond: 10 },
            { connections: 1000, perSecond: 0 },
          ],
        },
      ],
      breakdowns: [{ name: 'a question', stages: { embed: 1, retrieve: 2 } }],
    },
  },
})

t.test('the page asks for nothing outside itself, has every plot, and shows names as text', async t => {
  const html = htmlOf(report(0.5))
  t.notMatch(html, /(src|href)=|url\(|@import|<script/)
  t.equal(html.match(/<svg/g)?.length, 3)
  t.notMatch(html, /NaN|undefined|Infinity/)
  t.notMatch(html, '<b>')
  t.match(html, 'NOT REACHED')
})

t.test('the summary says in its first line how it went', async t => {
  t.match(summaryOf(report(0.5)).split('\n')[0], 'no figure of 1 lost more than 15 %')
  t.match(summaryOf(report(0.3)).split('\n')[0], '1 of 1 figures lost more than 15 %')
  t.match(
    summaryOf({ ...report(0.5), failed: { cold: 'why' } }).split('\n')[0],
    'not everything could be measured: cold',
  )
})

t.test('a table of the summary keeps its columns where a name has a bar in it', async t => {
  const rows = summaryOf(report(0.3))
    .split('\n')
    .filter(line => line.startsWith('| hot'))
  t.match(rows, [/requests a second \\\| /])
})

t.test('a ratio is by the mean of the control just before and just after', async t => {
  const shot = (perSecond: number) => ({ ...shotOf([1], 1), perSecond })
  const turns = [
    { before: shot(100), after: shot(300), shots: { a: shot(100) } },
    { before: shot(300), after: shot(100), shots: { a: shot(400) } },
  ]
  t.same(
    ratioOf(turns, 'a', each => each.perSecond, { name: 'n', better: 'more' }),
    { name: 'n', better: 'more', turns: [0.5, 2], controls: [100, 300, 100] },
  )
})

t.test('options: what is not known is refused before anything starts', async t => {
  t.throws(() => readOptions(['--fast']), /--fast/)
  t.throws(() => readOptions(['--max-loss', 'much']), /--max-loss is a percentage/)
  t.throws(() => chosen(readOptions(['--only', 'hot,hotter'])), /no scenario hotter; there are hot, /)
  t.throws(() => chosen(readOptions(['--only', 'redis', '--embedded'])), /redis: not with --embedded/)
  t.same(chosen(readOptions(['--soak', '60'])), ['soak'])
  t.notOk(chosen(readOptions(['--embedded'])).includes('redis'))
})
