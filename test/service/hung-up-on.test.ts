import postgres from 'postgres'
import t from 'tap'
import { skipReason } from '../support/app.ts'
import { atLeast } from '../support/at-least.ts'
import { loadHandbook } from '../support/corpus.ts'
import { startPostgres } from '../support/postgres.ts'
import { clientOf, startService } from '../support/service.ts'
import { until } from '../support/until.ts'

/**
 * A service whose database connections are all ended, again and again, while questions are asked: each is answered or
 * refused, the process lives, and afterwards all is well. test/faults has the minute of it, at a fixed pace.
 */

const skip = skipReason('postgres')
const wanted = { answered: 60, ended: 40 }
let asked = 0
const anew = () => ({ question: `How much does a place in the dormitory cost guest number ${++asked}?` })

for (const isEncrypted of [false, true]) {
  t.test(`all connections are ended again and again${isEncrypted ? ', over TLS' : ''}`, { skip }, async t => {
    const server = await startPostgres(t, { isEncrypted })
    const admin = postgres(server.adminUrl, { max: 1, onnotice: () => {} })
    t.teardown(() => admin.end())
    const service = startService(t, {
      DATABASE_URL: server.url,
      EMBEDDING_MODEL: 'local',
      ANSWER_CACHE_SECONDS: '0',
      POOL_SIZE: '4',
    })
    const client = clientOf(await service.ready())
    await loadHandbook(client)
    const count = { answered: 0, refused: 0, ended: 0 }
    const strange: unknown[] = []
    const isOver = () => strange.length > 0 || (count.answered >= wanted.answered && count.ended >= wanted.ended)

    async function ask(): Promise<void> {
      while (!isOver()) {
        const reply = await client.ask(anew()).catch((error: unknown) => error)
        const { status, json } = reply as { status?: number; json?: { code?: string } }
        if (status === 200) count.answered++
        else if (status === 503 && json?.code === 'database_unavailable') count.refused++
        else strange.push(json ?? reply)
      }
    }

    async function hangUp(): Promise<void> {
      while (!isOver()) {
        await admin`select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'askwell%'`
        count.ended++
        const before = count.answered
        await atLeast(Math.random() * 200)
        // On a machine that is too busy to open a connection in that time, nothing would ever be answered.
        await until('something was answered', () => count.answered > before || isOver(), {
          progress: () => count.refused,
        })
      }
    }

    await Promise.all([hangUp(), ...Array.from({ length: 4 }, ask)])
    t.same(strange, [], `${count.answered} answered, ${count.refused} refused, hung up on ${count.ended} times`)
    await until('it answers again', async () => (await client.ask(anew())).status === 200)
    t.same(
      service.log.filter(({ level }) => level === 'fatal'),
      [],
    )
    t.equal(service.stderr, '')
    service.signal('SIGTERM')
    t.same(await service.exited(), { code: 0, signal: null })
  })
}
