import type { Test } from 'tap'
import { loadHandbook } from '../support/corpus.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel, type Model } from '../support/model.ts'
import type { Behaviour } from '../support/model/behaviour.ts'
import { startPostgres, type Postgres } from '../support/postgres.ts'
import { startRedis, type Redis } from '../support/redis.ts'
import { freePort } from '../support/server-process.ts'
import { childrenOf } from '../support/processes.ts'
import { clientOf, startService, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'

/** Servers of a scenario's own: what it breaks is broken for nobody else. */
export interface World {
  readonly url: string
  readonly postgres: Postgres
  readonly redis: Redis
  readonly model: Model
  /** The one that runs now. */
  readonly service: Service
  /** How many processes answer. */
  readonly workers: number
  /** Ids of its worker processes; empty when it is a single process. */
  workerPids(): readonly number[]
  /** Another process at the same address; the one before must have ended. */
  restart(): Promise<void>
}

/** Ends with words that tell half an answer from a whole one. */
const wholeAnswer = 'A place in the dormitory costs 12,000 tenge a month [1], whoever asks. That is the end.'

export const isWhole = (answer: string) => answer.endsWith('That is the end.')

/** A model at a pace, with this fault or none. */
export function paced(fault: Behaviour = {}): Behaviour {
  return { answer: wholeAnswer, perTokenMs: 3, ...fault }
}

export const known = [
  'How much does a place',
  'What does a bed',
  'What price has a room',
  'What is the monthly price of a place',
].flatMap(start => [`${start} in the dormitory cost?`, `${start} in the dormitory come to?`])

export const fresh = (count: number) => `How much does a place in the dormitory cost guest number ${count}?`

/** How many workers the service has in scenarios that name no number: `npm run test:faults -- --workers N`. */
export const workersVariable = 'ASKWELL_FAULTS_WORKERS'

export interface WorldOptions {
  readonly settings?: Readonly<Record<string, string>> | undefined
  /** Postgres is spoken to over TLS. */
  readonly isEncrypted?: boolean | undefined
  readonly workers?: number | undefined
}

export async function openWorld(
  t: Test,
  { settings, isEncrypted = false, workers = Number(process.env[workersVariable] ?? 1) }: WorldOptions,
): Promise<World> {
  const [postgres, redis, model, port] = await Promise.all([
    startPostgres(t, { isEncrypted }),
    startRedis(t),
    startModel(t, { chat: paced() }),
    freePort(),
  ])
  const start = () =>
    startService(t, {
      WORKERS: String(workers),
      ...settingsFor(model, 'test-embedding'),
      // These answers are made up.
      GROUNDING: 'off',
      // A fresh question has a number that no document has; quoted sentences answer it when the model is broken.
      ABSTAIN_BELOW: '0',
      PORT: String(port),
      DATABASE_URL: postgres.url,
      REDIS_URL: redis.url,
      // Each fresh question is to be answered by itself; and on a busy machine a reply of Redis may take longer than 50 ms.
      SEMANTIC_CACHE: 'off',
      REDIS_TIMEOUT_MS: '250',
      ...settings,
    })
  async function ready(): Promise<string> {
    const address = await service.ready()
    const areReady = () => workers === 1 || service.log.some(({ msg }) => msg === 'all workers are ready')
    await until('all workers are ready', areReady, { ended: service.exited(), progress: () => service.log.length })
    return address
  }

  let service = start()
  const url = await ready()
  await loadHandbook(clientOf(url))
  return {
    url,
    postgres,
    redis,
    model,
    workers,
    get service() {
      return service
    },
    workerPids: () => (workers === 1 ? [] : childrenOf(service.pid)),
    async restart() {
      service = start()
      await ready()
    },
  }
}
