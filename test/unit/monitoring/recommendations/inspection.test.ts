import t from 'tap'
import { openInspection, type Inspected } from '../../../../src/monitoring/recommendations/inspection.ts'
import { until } from '../../../support/until.ts'

type Options = Parameters<typeof openInspection>[0]

function started(more: { readonly checkedOut?: number; readonly fails?: boolean } = {}) {
  let time = 1_000_000
  const asked: string[] = []
  const sql = {} as never
  const database = {
    kind: 'postgres',
    status: () => ({ size: 2, waiting: 0, checkedOut: more.checkedOut ?? 0 }),
    aside: async (_: unknown, work: (sql: never) => Promise<unknown>) => await work(sql),
    lease: async (_: unknown, work: (sql: never) => Promise<unknown>) => await work(sql),
  } as unknown as Options['database']
  const reads = {
    connections: async () => {
      asked.push('connections')
      if (more.fails) throw new Error('gone')
      return { maxConnections: 100, free: 50 }
    },
    collections: async () => [],
    isIndexed: () => false,
    tables: async () => {
      asked.push('tables')
      return []
    },
    index: async () => ({}),
    recall: async () => null,
  } as unknown as Options['reads']
  const told: string[] = []
  const inspection = openInspection({
    database,
    reads,
    log: { debug: (_, message) => void told.push(message) },
    now: () => time,
  })
  return { inspection, asked, told, advance: (ms: number) => void (time += ms) }
}

t.test('whoever looks first begins it, and waits for nothing', async t => {
  const { inspection, asked } = started()
  inspection.touch()
  t.equal(inspection.latest(), null)
  const known = await until<Inspected | null>('it was read', () => inspection.latest())
  t.match(known, { connections: { free: 50, at: 1_000_000 } })
  await until('all of it was', () => asked.length === 2)
  inspection.touch()
  t.equal(asked.length, 2, 'not anew with each look')
  await inspection.close()
})

t.test('a pool that is empty is asked for nothing, and the connections are known', async t => {
  const { inspection, asked } = started({ checkedOut: 2 })
  await inspection.inspect()
  t.same(asked, ['connections'])
  t.match(inspection.latest(), { connections: { free: 50 } })
  t.same(inspection.latest()?.tables, [])
  await inspection.close()
})

t.test('a database that is gone is no fault of who looks', async t => {
  const { inspection, told } = started({ fails: true })
  inspection.touch()
  await until('it was told', () => told.length > 0)
  t.equal(inspection.latest(), null)
  await inspection.close()
})
