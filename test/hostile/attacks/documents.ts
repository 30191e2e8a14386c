import { handbook } from '../../support/corpus.ts'
import { hostileCollection, type Attack, type Hand, type Heard } from '../terms.ts'
import {
  amplifiers,
  clusters,
  filled,
  htmlBombs,
  markdownBombs,
  markLookalikes,
  ordinaryMarkdown,
  yamlAliases,
  yamlKeys,
} from './shapes.ts'

/** A careless editor: whatever a key for documents can store. */

const put = 'PUT /documents'

interface Given {
  readonly source: string
  readonly text: string
  readonly title?: string
  readonly format?: 'text' | 'markdown' | 'html'
  readonly metadata?: object
}

async function store(hand: Hand, documents: readonly Given[]): Promise<Heard> {
  return await hand.send('PUT', '/documents', { body: { collection: hostileCollection, documents } })
}

/** Another text each time: what is unchanged is not read again. */
function unlike(hand: Hand, text: string): string {
  return `${text}\n\nOf ${hand.nat(2 ** 31)}.\n`
}

function bombs(
  name: string,
  shapes: Readonly<Record<string, (size: number) => string>>,
  format: Given['format'],
  sizes: readonly number[],
): Attack {
  return {
    name,
    routes: [put],
    async play(hand) {
      const shape = hand.pick(Object.keys(shapes))
      const text = shapes[shape]!(hand.pick(sizes))
      await store(hand, [{ source: `${name}/${shape}`, ...(format && { format }), text: unlike(hand, text) }])
    },
  }
}

export const documentAttacks: readonly Attack[] = [
  {
    name: 'unchanged documents, again and again',
    routes: [put],
    async play(hand) {
      for (let nth = 0; nth < 8; nth++) await hand.send('PUT', '/documents', { body: { documents: handbook } })
    },
  },
  {
    name: 'Markdown: 1 MB of ordinary text',
    routes: [put],
    weight: 0.5,
    play: async hand => void (await store(hand, [{ source: 'long', text: unlike(hand, ordinaryMarkdown(1_000_000)) }])),
  },
  {
    name: 'Markdown: a list of half a megabyte',
    routes: [put],
    weight: 0.5,
    play: async hand => void (await store(hand, [{ source: 'list', text: unlike(hand, filled('- a\n', 500_000)) }])),
  },
  {
    name: 'Markdown: a list of 2 MB',
    routes: [put],
    weight: 0.5,
    play: async hand =>
      void (await store(hand, [{ source: 'longer list', text: unlike(hand, filled('- a\n', 2_000_000)) }])),
  },
  bombs('Markdown: shapes of quadratic time', markdownBombs, 'markdown', [20_000, 100_000, 400_000]),
  bombs('HTML: shapes of quadratic time', htmlBombs, 'html', [20_000, 100_000, 400_000]),
  bombs('letters: clusters and words without end', clusters, 'text', [100_000, 500_000]),
  {
    name: 'Markdown: one fence that is never closed',
    routes: [put],
    play: async hand =>
      void (await store(hand, [
        { source: 'fence', text: unlike(hand, `# Code\n\n\`\`\`\n${filled('let a = 1; // and so on\n', 400_000)}`) },
      ])),
  },
  {
    name: 'tables: a cell over a thousand million columns',
    routes: [put],
    async play(hand) {
      for (let nth = 0; nth < 3; nth++) {
        const { format, text } = hand.pick(amplifiers)
        await store(hand, [{ source: `wide table ${nth}`, format, text: unlike(hand, text) }])
      }
    },
  },
  {
    name: 'front matter: aliases of aliases, and thousands of keys',
    routes: [put],
    async play(hand) {
      const text = hand.pick([
        yamlAliases(9),
        yamlAliases(4),
        yamlKeys(16_000),
        yamlKeys(200_000),
        `---\n${filled('? ', 4000)}\n---\nx`,
        `---\n${filled('[', 4000)}\n---\nx`,
      ])
      await store(hand, [{ source: 'front matter', format: 'markdown', text: unlike(hand, text) }])
    },
  },
  {
    name: 'metadata as long as the text',
    routes: [put],
    weight: 0.5,
    async play(hand) {
      const metadata = hand.pick([
        { a: filled('abc ', 650_000) },
        Object.fromEntries(Array.from({ length: 100 }, (_, nth) => [`k${nth}`, filled('x', 6500)])),
        { list: Array(100_000).fill(1) },
      ])
      await store(hand, [{ source: 'metadata', text: unlike(hand, ordinaryMarkdown(600_000)), metadata }])
    },
  },
  {
    name: 'sources: invisible, endless, or commands to a terminal',
    routes: [put],
    async play(hand) {
      const unseen = hand.pick(['\u200b', '\u2060\u200d', '\ufeff', '\u00ad', '\u202e'])
      const heard = await store(hand, [{ source: unseen, text: 'x' }])
      if (heard.status === 200) hand.found(`a source that nobody can see was stored: ${JSON.stringify(unseen)}`)
      // Of letters that do not compress, and take four bytes each.
      await store(hand, [
        {
          source: Array.from({ length: hand.pick([300, 500]) }, () =>
            String.fromCodePoint(0x20000 + hand.nat(40_000)),
          ).join(''),
          text: 'x',
        },
      ])
      await store(hand, [
        {
          source: Array.from({ length: 1000 }, () => String.fromCodePoint(0x4e00 + hand.nat(20_000))).join(''),
          text: 'x',
        },
      ])
      await store(hand, [{ source: '\u001b]0;owned\u0007\u001b[2J', title: '\u001b[31mred', text: 'x\u001b[2J' }])
    },
  },
  {
    name: 'pages that look like our own marks, and the questions that find them',
    routes: [put, 'POST /ask', 'POST /search'],
    async play(hand) {
      await store(
        hand,
        markLookalikes.map((text, nth) => ({ source: `lookalike ${nth}`, format: 'text', text: unlike(hand, text) })),
      )
      for (const path of ['/ask', '/ask', '/search'])
        await hand.send('POST', path, {
          body: { question: `dormitory ${hand.nat(1e6)}?`, collection: hostileCollection },
        })
    },
  },
  {
    name: 'a hundred documents at once, and the same to and fro',
    routes: [put],
    async play(hand) {
      await store(
        hand,
        Array.from({ length: 100 }, (_, nth) => ({
          source: `many ${nth}`,
          text: unlike(hand, `Guest ${nth} stays in the dormitory.`),
        })),
      )
    },
  },
  {
    name: 'documents: bodies of nothing but faults',
    routes: [put],
    weight: 0.25,
    async play(hand) {
      await hand.send('PUT', '/documents', { body: hand.pick(faultyDocuments)() })
    },
  },
  {
    name: 'documents: read and removed by ids of every kind',
    routes: ['GET /documents/{id}', 'DELETE /documents/{id}', 'GET /collections'],
    async play(hand) {
      const id = () =>
        hand.pick([
          ...hand.surroundings.ids,
          '00000000-0000-0000-0000-000000000000',
          'x'.repeat(99),
          '%00',
          '..%2f..',
          '%F0%9F%98%80',
        ])
      for (const method of ['GET', 'GET', 'DELETE'] as const) await hand.send(method, `/documents/${id()}`)
      await hand.send('GET', '/collections')
      await hand.send('DELETE', `/documents/${id()}`, { key: null })
    },
  },
]

/** Nearly 16 MB each, and each written once. */
const faultyDocuments = [
  () => `{"documents":[${filled('1,', 15_000_000)}1]}`,
  () => `{"documents":[${filled('{},', 15_000_000)}{}]}`,
  () =>
    `{"documents":[{"source":"a","text":"x",${Array.from({ length: 700_000 }, (_, nth) => `"f${nth}":1`).join(',')}}]}`,
  () =>
    `{"documents":[{"source":"a","text":"x","metadata":{${Array.from({ length: 700_000 }, (_, nth) => `"f${nth}":1`).join(',')}}}]}`,
  () => `{"documents":[{"source":"a","text":"x","metadata":{"a":[${filled('"\\u0000",', 12_000_000)}1]}}]}`,
].map(make => {
  let made: Buffer | undefined
  return () => (made ??= Buffer.from(make()))
})
