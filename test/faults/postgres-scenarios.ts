import { adminKey } from '../support/app.ts'
import { atLeast } from '../support/at-least.ts'
import { administer } from '../support/postgres.ts'
import { clientOf } from '../support/service.ts'
import { figureOf, leftAlone } from './left-alone.ts'
import {
  allAnswered,
  answeredOrRefused,
  cachedAnswered,
  knownAnswered,
  type Bar,
  type Scenario,
  type Underway,
} from './scenario.ts'
import type { World } from './world.ts'

/** Who is refused takes no connection and waits for none. */
async function withoutLeases(world: World, fault: Underway): Promise<void> {
  await leftAlone(world, fault, 'database', () => figureOf(world, 'askwell_pool_checkouts_total'))
}

async function frozen(world: World, fault: Underway): Promise<void> {
  world.postgres.freeze()
  await withoutLeases(world, fault)
}

async function stopped(world: World, fault: Underway): Promise<void> {
  await world.postgres.stop('immediate')
  await withoutLeases(world, fault)
}

const each =
  (...bars: readonly Bar[]): Bar =>
  (during, settled) =>
    bars.flatMap(bar => bar(during, settled))

/** Ends all connections of the service, again and again. */
async function hangUp(adminUrl: string, signal: AbortSignal, everyMs: number): Promise<void> {
  await administer(adminUrl, async sql => {
    while (!signal.aborted) {
      await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'askwell%'`
      await atLeast(everyMs)
    }
  })
}

async function onlyReads({ postgres }: World, value: 'on' | 'off'): Promise<void> {
  await administer(postgres.adminUrl, async sql => {
    await sql.unsafe(`alter system set default_transaction_read_only = ${value}`)
    await sql`select pg_reload_conf()`
  })
}

const put = ({ url }: World, source: string) => {
  const documents = [{ source, text: '# A note\n\nNothing about prices.' }]
  return clientOf(url).send(
    'PUT',
    '/documents',
    { collection: 'notes', documents },
    { authorization: `Bearer ${adminKey}` },
  )
}

/** Whoever writes meanwhile is told so in the words of the contract. */
async function write(world: World, { t, signal }: Underway): Promise<void> {
  await atLeast(200) // every process of the server has read the setting
  for (let nth = 0; !signal.aborted; nth++) {
    const { status, json, headers } = await put(world, `during/${nth}`)
    t.match(
      { status, code: json.code, isRepeatable: headers.has('retry-after') },
      { status: 503, code: 'database_read_only', isRepeatable: true },
      'a write is refused',
    )
    await atLeast(1000)
  }
}

/** What happens to Postgres; played without and with TLS, since a driver fails in other places when it speaks through TLS. */
export const postgresScenarios: readonly Scenario[] = [
  {
    name: 'Postgres is frozen',
    harm: frozen,
    heal: ({ postgres }) => postgres.thaw(),
    bar: cachedAnswered,
    found: { culprit: 'database', codes: ['database-silent'] },
  },
  {
    name: 'Postgres is stopped and started',
    harm: stopped,
    heal: ({ postgres }) => postgres.start(),
    bar: cachedAnswered,
    found: { culprit: 'database', codes: ['database-unreachable'] },
  },
  {
    name: 'Postgres loses every connection, twice a second',
    harm: ({ postgres }, { signal }) => hangUp(postgres.adminUrl, signal, 500),
    bar: each(knownAnswered, answeredOrRefused),
    found: { culprit: 'database', codes: ['database-drops-connections'] },
  },
  {
    name: 'Postgres loses every connection, five times a second for a minute',
    harm: ({ postgres }, { signal }) => hangUp(postgres.adminUrl, signal, 200),
    seconds: 60,
    bar: each(knownAnswered, answeredOrRefused),
    found: { culprit: 'database', codes: ['database-drops-connections', 'database-unreachable'] },
  },
  {
    name: 'Postgres takes no writes, as with a full disk',
    async harm(world, fault) {
      await onlyReads(world, 'on')
      await write(world, fault)
    },
    heal: world => onlyReads(world, 'off'),
    bar: allAnswered,
    found: { culprit: 'database', codes: ['database-read-only'] },
    async afterwards(t, world) {
      t.equal((await put(world, 'after')).status, 200, 'and it takes writes again')
    },
  },
  {
    name: 'Postgres: a lock is held on the chunks',
    async harm({ postgres }, { signal }) {
      await administer(postgres.url, sql =>
        sql.begin(async sql => {
          await sql`lock table chunks in access exclusive mode`
          await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
        }),
      )
    },
    bar: knownAnswered,
    found: { culprit: 'database', codes: ['database-lock'] },
  },
]
