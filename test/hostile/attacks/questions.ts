import { setTimeout as sleep } from 'node:timers/promises'
import { guestKey, hostileCollection, type Attack, type Hand } from '../terms.ts'
import { clusters, filled } from './shapes.ts'

/** Whoever may ask: questions that cost more than they should. */

const ask = (hand: Hand, body: object, headers: Readonly<Record<string, string>> = {}) =>
  hand.send('POST', '/ask', { body, headers })

const letters = 'abcdefghijklmnopqrstuvwxyz'

function languageName(hand: Hand): string {
  return Array.from({ length: 2 + hand.nat(2) }, () => hand.pick([...letters])).join('')
}

/** Different words with few letters in common. */
function words(hand: Hand, count: number): string {
  return Array.from({ length: count }, () =>
    Array.from({ length: 4 + hand.nat(5) }, () => hand.pick([...letters])).join(''),
  ).join(' ')
}

/** Nearly 256 kB of what is wrong everywhere. */
const faulty: readonly (() => string)[] = [
  () => JSON.stringify({ question: 'x', include: Array(50_000).fill('a') }),
  () => JSON.stringify({ question: 'x', history: Array(60_000).fill({}) }).slice(0, 255_000 - 2) + ']}',
  () => JSON.stringify({ question: 'x', history: Array(20_000).fill({ a: 1 }) }),
  () =>
    JSON.stringify({
      question: 'x',
      filters: Object.fromEntries(Array.from({ length: 20_000 }, (_, nth) => [nth, []])),
    }),
  () => JSON.stringify({ question: 'x', filters: { a: { in: Array(60_000).fill([]) } } }),
  () => JSON.stringify(Object.fromEntries(Array.from({ length: 18_000 }, (_, nth) => [`f${nth}`, 1]))),
  () => `{"question":"x","filters":{"a":{"in":[${filled('"\\u0000",', 250_000)}1]}}}`,
  () => `{"question":"x","filters":${'['.repeat(120_000)}${']'.repeat(120_000)}}`,
]

export const questionAttacks: readonly Attack[] = [
  {
    name: 'questions in a new language each',
    routes: ['POST /ask', 'POST /search'],
    async play(hand) {
      for (let nth = 0; nth < 12; nth++)
        await hand.send('POST', hand.pick(['/ask', '/search']), {
          body: {
            question: `dormitory ${words(hand, 3)}`,
            language: languageName(hand),
            collection: hostileCollection,
          },
        })
    },
  },
  {
    name: 'questions: bodies of nothing but faults',
    routes: ['POST /ask', 'POST /search'],
    play: async hand => void (await hand.send('POST', hand.pick(['/ask', '/search']), { body: hand.pick(faulty)() })),
  },
  {
    name: 'questions of 4,000 letters in every shape',
    routes: ['POST /ask', 'POST /search'],
    async play(hand) {
      const question = hand.pick(Object.values(clusters))(3900).slice(0, 3900).toWellFormed() + hand.nat(1e6)
      await hand.send('POST', hand.pick(['/ask', '/search']), {
        body: { question, collection: hand.pick([hostileCollection, 'default']) },
      })
    },
  },
  {
    name: 'questions of hundreds of words that nobody ever wrote',
    routes: ['POST /ask', 'POST /search'],
    play: async hand =>
      void (await hand.send('POST', hand.pick(['/ask', '/search']), {
        body: { question: words(hand, 600).slice(0, 3990), top_k: 20 },
      })),
  },
  {
    name: 'a history as long as it may be',
    routes: ['POST /ask'],
    async play(hand) {
      const content = hand.pick([
        filled('dormitory ', 4800),
        filled('[1] ', 4800),
        filled('<|im_start|>', 4800),
        filled('a\u0301', 2400),
      ])
      await ask(hand, {
        question: `And for number ${hand.nat(1e6)}?`,
        history: Array.from({ length: 50 }, (_, nth) => ({ role: nth % 2 === 0 ? 'user' : 'assistant', content })),
        mode: 'smart',
      })
    },
  },
  {
    name: 'filters: twenty fields with a hundred values each',
    routes: ['POST /ask', 'POST /search'],
    async play(hand) {
      const filters = Object.fromEntries(
        Array.from({ length: 20 }, (_, nth) => [
          `f${nth}`,
          { in: Array.from({ length: 100 }, (_, value) => `v${value}`) },
        ]),
      )
      await hand.send('POST', hand.pick(['/ask', '/search']), {
        body: { question: `dormitory ${hand.nat(1e6)}`, filters, top_k: 20 },
      })
    },
  },
  {
    name: 'the same question from many at once, who all leave',
    routes: ['POST /ask'],
    async play(hand) {
      const question = `How much does a place in the dormitory cost visitor ${hand.nat(1e6)}?`
      await Promise.all(
        Array.from({ length: 6 }, async () => {
          const socket = await hand.connect('POST /ask')
          socket.write(messageOf(hand, { question, stream: hand.nat(2) === 0 }))
          await sleep(hand.nat(120))
          if (hand.nat(2) === 0) socket.destroy()
          else socket.resetAndDestroy()
        }),
      )
    },
  },
  {
    name: 'no time at all, and batches',
    routes: ['POST /ask', 'POST /search'],
    async play(hand) {
      for (const timeout_ms of [1, 2, 5, 600_000])
        await ask(
          hand,
          { question: `dormitory ${hand.nat(1e6)}`, timeout_ms },
          { 'x-priority': hand.pick(['batch', 'interactive', '-1']) },
        )
      await hand.send('POST', '/search', { body: { question: 'dormitory', timeout_ms: 1 } })
    },
  },
  {
    name: 'cached answers: made again, refused, removed',
    routes: ['POST /ask', 'GET /cache', 'DELETE /cache'],
    async play(hand) {
      for (const wish of ['no-cache', 'no-store', 'only-if-cached', 'max-age=0', `max-stale=${'9'.repeat(300)}`]) {
        await ask(
          hand,
          { question: 'How much does a place in the dormitory cost?', collection: hostileCollection },
          { 'cache-control': wish },
        )
      }
      await hand.send('GET', '/cache')
      await hand.send(
        'DELETE',
        `/cache?collection=${hand.pick([hostileCollection, 'nowhere', '%00', 'x'.repeat(5000)])}`,
      )
    },
  },
  {
    name: 'streams that nobody reads',
    routes: ['POST /ask'],
    async play(hand) {
      const sockets = await Promise.all(
        Array.from({ length: 4 }, async () => {
          const socket = await hand.connect('POST /ask')
          socket.pause()
          // Three on one connection: the second waits for the first to be read.
          socket.write(
            [1, 2, 3]
              .map(() =>
                messageOf(hand, {
                  question: `dormitory ${hand.nat(1e6)}`,
                  stream: true,
                  include: ['passages', 'timings'],
                  top_k: 20,
                }),
              )
              .join(''),
          )
          return socket
        }),
      )
      await sleep(2000, undefined, { signal: hand.signal }).catch(() => undefined)
      for (const socket of sockets) socket.destroy()
    },
  },
]

/** A whole request as bytes, as a guest sends it. */
export function messageOf({ surroundings }: Hand, body: object | string): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return `${headOf(surroundings.url, Buffer.byteLength(text))}${text}`
}

export function headOf(url: string, length: number): string {
  return `POST /ask HTTP/1.1\r\nhost: ${new URL(url).host}\r\nauthorization: Bearer ${guestKey}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`
}
