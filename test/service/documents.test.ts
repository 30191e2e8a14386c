import fc from 'fast-check'
import tap, { type Test } from 'tap'
import { adminKey, skipReason, startApp, worlds, type App } from '../support/app.ts'
import { contentsOf, leased, statisticsOf } from '../support/contents.ts'
import { schemaFaults } from '../support/contract.ts'

const key = { authorization: `Bearer ${adminKey}` }

interface Given {
  readonly source: string
  readonly text: string
}

const put = async (app: App, documents: readonly object[], collection = 'default') =>
  await app.send('PUT', '/documents', { collection, documents }, key)

async function epochOf(app: App, collection: string): Promise<number> {
  const { json } = await app.send('GET', '/collections', undefined, key)
  return json.collections.find(({ name }: { name: string }) => name === collection)?.epoch
}

for (const world of worlds) {
  tap.test(`documents over HTTP, ${world}`, { skip: skipReason(world) }, async t => {
    const app = await startApp(t, world)

    await t.test('what of a document was not read is in the reply', async t => {
      const words = 'Новости факультета сегодня и вчера. '.repeat(40)
      const text = `<main><h1>Касса</h1><p>${'Касса открыта утром. '.repeat(12)}</p><template><p>{{ x }} ${words}</p></template></main>`
      const { json } = await put(app, [{ source: 'lost.html', format: 'html', text }], 'lossy')
      t.match(json.documents, [{ status: 'added', warnings: [/^lost \d+ % of its text, /] }])
      t.same(schemaFaults('/components/schemas/DocumentsResult', json), [])
    })

    await t.test(
      'put, get, put again, edit, delete: each says what it did, and the epoch grows with each write',
      async t => {
        const document = {
          source: 'a.md',
          text: '# Зачёт\n\nЗачёт сдают в мае.',
          metadata: { year: 2025 },
          url: 'https://example.edu/a',
        }
        const first = await put(app, [document], 'life')
        t.match(first, {
          status: 200,
          json: { collection: 'life', documents: [{ source: 'a.md', status: 'added', chunks: 1, warnings: [] }] },
        })
        const { id } = first.json.documents[0]
        const epochs = [await epochOf(app, 'life')]
        t.match((await put(app, [document], 'life')).json.documents, [{ id, status: 'unchanged', chunks: 0 }])
        t.equal(await epochOf(app, 'life'), epochs[0], 'nothing was written')
        t.match((await put(app, [{ ...document, metadata: { year: 2026 } }], 'life')).json.documents, [
          { id, status: 'replaced', chunks: 1 },
        ])
        epochs.push(await epochOf(app, 'life'))
        const got = await app.send('GET', `/documents/${id}`, undefined, key)
        t.match(got.json, {
          id,
          collection: 'life',
          source: 'a.md',
          version: 2,
          title: 'Зачёт',
          language: 'ru',
          metadata: { year: 2026 },
          chunk_count: 1,
        })
        t.equal((await app.send('DELETE', `/documents/${id}`, undefined, key)).status, 204)
        epochs.push(await epochOf(app, 'life'))
        t.strictSame(
          epochs,
          [...new Set(epochs)].sort((a, b) => a - b),
          'each is larger than the one before',
        )
        t.match(await app.send('GET', `/documents/${id}`, undefined, key), {
          status: 404,
          json: { code: 'unknown_document' },
        })
        t.match(await app.send('DELETE', `/documents/${id}`, undefined, key), {
          status: 404,
          json: { code: 'unknown_document' },
        })
        t.equal(await epochOf(app, 'life'), epochs.at(-1), 'nothing was deleted')
        const left = await leased(app.deps.database, sql => statisticsOf(sql, 'life'))
        t.match(left, { counts: { document_count: '0', chunk_count: '0', term_count: '0' } })
        t.strictSame([left.terms, left.languages], [[], []])
      },
    )

    await t.test('languages: most chunks first, then by name, whichever came first', async t => {
      for (const language of ['vi', 'ru', 'kk', 'it', 'en'])
        await put(app, [{ source: language, text: `${language} 1`, language }], 'languages')
      await put(app, [{ source: 'ru 2', text: 'ru 2', language: 'ru' }], 'languages')
      const { collections } = (await app.send('GET', '/collections', undefined, key)).json
      const { languages } = collections.find((each: { name: string }) => each.name === 'languages')
      t.strictSame(languages, ['ru', 'en', 'it', 'kk', 'vi'])
    })

    await t.test('a hundred documents in one PUT; one bad among them, and none is written', async t => {
      const documents = Array.from({ length: 100 }, (_, i) => ({
        source: `many/${i}.md`,
        text: `Документ номер ${i}.`,
      }))
      const bad = await put(app, [...documents.slice(0, 99), { source: 'many/bad.md', text: ' ' }], 'many')
      t.match(bad, { status: 400, json: { errors: [{ pointer: '/documents/99/text' }] } })
      const twins = await put(
        app,
        [...documents.slice(0, 98), { source: 'many/a  b', text: 'Раз.' }, { source: 'many/a b', text: 'Два.' }],
        'many',
      )
      t.match(
        twins,
        { status: 400, json: { errors: [{ pointer: '/documents/99/source' }] } },
        'one source, however it is spaced',
      )
      t.equal(await epochOf(app, 'many'), undefined)
      const good = await put(app, documents, 'many')
      t.equal(good.status, 200)
      t.ok(good.json.documents.every(({ status }: { status: string }) => status === 'added'))
    })

    await t.test(
      'a source that the index cannot take, or that nobody can see: 400, and nothing is written',
      async t => {
        // Random, or it is compressed and fits: 1,000 characters in 3,000 bytes.
        const long = Array.from({ length: 1000 }, () =>
          String.fromCharCode(0x4e00 + Math.floor(Math.random() * 20_000)),
        ).join('')
        const text = 'Что-то.'
        const bad = await put(
          app,
          [
            { source: 'fine.md', text },
            { source: long, text },
            { source: '\u200b\u00ad', text },
            { source: '\u2060\u3164', text },
          ],
          'sources',
        )
        t.match(bad, {
          status: 400,
          json: {
            code: 'invalid_request',
            errors: [
              {
                pointer: '/documents/1/source',
                detail: 'takes 3000 bytes in UTF-8, but the limit is 2500; shorten it',
              },
              { pointer: '/documents/2/source', detail: /^consists of invisible characters only/ },
              { pointer: '/documents/3/source', detail: /^consists of invisible characters only/ },
            ],
          },
        })
        t.equal(bad.json.errors.length, 3)
        t.equal(await epochOf(app, 'sources'), undefined)
        t.match(
          await put(
            app,
            [
              { source: long.slice(0, 833), text },
              { source: 'a\u200b', text },
            ],
            'sources',
          ),
          { status: 200 },
          'the longest is stored',
        )
      },
    )

    await t.test('two that put one document at once: one adds it, and it is there once', async t => {
      const document = { source: 'race.md', text: '# Гонка\n\nОдин документ от двух людей.' }
      const [one, two] = await Promise.all([put(app, [document], 'race'), put(app, [document], 'race')])
      t.strictSame([one, two].map(({ json }) => json.documents[0].status).sort(), ['added', 'unchanged'])
      const edits = await Promise.all(['Третье.', 'Четвёртое.'].map(text => put(app, [{ ...document, text }], 'race')))
      t.ok(edits.every(({ status, json }) => status === 200 && json.documents[0].status === 'replaced'))
      const { documents, chunks, statistics } = await leased(app.deps.database, sql => contentsOf(sql, 'race'))
      t.match(documents, [{ version: 3 }])
      t.equal(chunks.length, 1)
      t.match(statistics.counts, { document_count: '1', chunk_count: '1' })
    })

    await t.test('a reader never sees half a document while it is replaced', async t => {
      const edition = (n: number) => ({
        source: 'book.md',
        text: Array.from(
          { length: 2 + (n % 3) * 3 },
          (_, i) => `## Часть ${i}\n\n${`Издание${n} говорит о предмете. `.repeat(40)}`,
        ).join('\n\n'),
      })
      await put(app, [edition(0)], 'book')
      let isWriting = true
      const writer = (async () => {
        for (let n = 1; n <= 8; n++) await put(app, [edition(n)], 'book')
        isWriting = false
      })()
      const seen = new Set<string>()
      while (isWriting) seen.add(await oneLook(t, app))
      await writer
      seen.add(await oneLook(t, app))
      t.ok(seen.size > 1, 'it did look while documents changed')
    })

    await t.test('after any puts, edits and deletes the statistics are those of a fresh load', async t => {
      let round = 0
      const puts = fc.record({
        put: fc.uniqueArray(given, { minLength: 1, maxLength: 4, selector: ({ source }) => source }),
      })
      const steps = fc.array(fc.oneof({ weight: 3, arbitrary: puts }, fc.record({ remove: sourceName })), {
        minLength: 1,
        maxLength: 8,
      })
      await fc.assert(
        fc.asyncProperty(steps, async sequence => {
          round += 1
          const stored = new Map<string, Given>()
          const ids = new Map<string, string>()
          for (const step of sequence) {
            if ('put' in step) {
              const { json } = await put(app, step.put, `used-${round}`)
              for (const [i, document] of step.put.entries()) {
                ids.set(document.source, json.documents[i].id)
                stored.set(document.source, document)
              }
            } else if (stored.delete(step.remove)) {
              await app.send('DELETE', `/documents/${ids.get(step.remove)}`, undefined, key)
            }
          }
          if (stored.size === 0) return
          await put(app, [...stored.values()], `fresh-${round}`)
          const [used, fresh] = await leased(app.deps.database, async sql => [
            await statisticsOf(sql, `used-${round}`),
            await statisticsOf(sql, `fresh-${round}`),
          ])
          t.strictSame(used, fresh)
        }),
        { numRuns: 15 },
      )
    })

    await t.test('without the right key: 401; no key set: 403, whatever is sent', async t => {
      const id = '00000000-0000-8000-8000-000000000000'
      const calls = [
        ['PUT', '/documents', { documents: [{ source: 'x', text: 'x' }] }],
        ['GET', `/documents/${id}`],
        ['DELETE', `/documents/${id}`],
        ['GET', '/collections'],
      ] as const
      for (const [method, path, body] of calls) {
        for (const headers of [
          {},
          { authorization: 'Bearer a-key-for-nobody' },
          { authorization: `Basic ${adminKey}` },
        ]) {
          t.match(
            await app.send(method, path, body, headers),
            { status: 401, json: { code: 'unauthorized' } },
            `${method} ${path}`,
          )
        }
      }
      await app.stop()
      const closed = await startApp(t, world, { ...app.env, ADMIN_API_KEY: '' })
      for (const [method, path, body] of calls) {
        t.match(
          await closed.send(method, path, body, key),
          { status: 403, json: { code: 'admin_disabled' } },
          `${method} ${path}`,
        )
      }
    })
  })
}

/** Words that stem, fold and need quoting; some shared by documents, some not. */
const word = fc.constantFrom(
  'студент',
  'студенты',
  'экзамен',
  'ёлка',
  'Ёлки',
  "d'été",
  'naïve',
  '\\back',
  "it's",
  'қала',
  'қалаға',
  'thư',
  'viện',
  'học',
  '2025',
  'C++',
  'a_b',
  'e-mail',
)
const sourceName = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const given = fc.record({
  source: sourceName,
  language: fc.constantFrom('ru', 'kk', 'vi', 'fr'),
  text: fc
    .array(fc.array(word, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 4 })
    .map(parts => parts.map((words, i) => `## Раздел ${i}\n\n${words.join(' ')}.`).join('\n\n')),
})

/** The document and its chunks in one statement; gives the edition that was seen. */
async function oneLook(t: Test, app: App): Promise<string> {
  const [row] = await leased(
    app.deps.database,
    sql => sql`
    select d.text, array_agg(k.text order by k.ordinal) as chunks, array_agg(k.start_at order by k.ordinal) as starts, c.chunk_count
    from documents d join collections c on c.id = d.collection_id left join chunks k on k.document_id = d.id
    where c.name = 'book' group by d.id, c.id`,
  )
  const {
    text,
    chunks,
    starts,
    chunk_count: count,
  } = row as unknown as { text: string; chunks: string[]; starts: number[]; chunk_count: string }
  const isWhole = chunks.length === Number(count) && chunks.every((chunk, i) => text.startsWith(chunk, starts[i]))
  if (!isWhole) t.fail('a chunk is not of the text it is stored with')
  return /Издание\d+/.exec(text)?.[0] ?? ''
}
