import type { CacheContents } from '../adapters/postgres/store/cache-contents.ts'
import type { KeyFigures } from '../adapters/redis/cache-keys.ts'
import type { RedisState } from './cache-redis.ts'

/** Text output of the cache commands. */

export interface Cleared {
  readonly collection: string | null
  /** Null unless the work in Redis finished. */
  readonly redisKeys: number | null
  readonly redis: RedisState
}

export interface Stats extends CacheContents {
  readonly redis: RedisState
  /** By kind; null unless the scan of Redis finished. */
  readonly redisKeys: Readonly<Record<string, KeyFigures>> | null
}

export interface FoundSettings {
  readonly collection: string
  readonly isChanged: boolean
  /** Overrides of this collection; null where the service's settings apply. */
  readonly settings: {
    readonly seconds: number | null
    readonly fastSeconds: number | null
    readonly near: boolean | null
  }
}

export function clearedText({ collection, redis, redisKeys }: Cleared): string {
  const deleted =
    collection === null ? 'cached answers of all collections deleted' : `${collection}: cached answers deleted`
  if (redis === 'off') return deleted
  if (redis === 'done') return `${deleted}; ${redisKeys} keys removed from Redis`
  const leftOver = collection === null ? ', but its completions and vectors are used until they expire' : ''
  return `${deleted}; Redis was unreachable or did not finish: its cached answers are no longer served${leftOver}`
}

export function statsText({ collections, observations, redis, redisKeys }: Stats): string {
  const rows = collections.map(
    ({ name, epoch, settings, nearQuestions }) =>
      `${name}: epoch ${epoch}, ${described(settings)}, ${nearQuestions} questions in the semantic cache`,
  )
  const learned = observations.map(
    ({ model, count, right }) =>
      `semantic cache with ${model}: ${count} similar questions compared, ${right} had matching answers`,
  )
  const state = {
    off: 'Redis: off (REDIS_URL is not set)',
    away: 'Redis: unreachable, or the scan did not finish',
    done: 'Redis:',
  }[redis]
  return [...rows, ...learned, state, ...Object.entries(redisKeys ?? {}).map(keysText)].join('\n')
}

function keysText([kind, { keys, bytes, sampled }]: [string, KeyFigures]): string {
  const size = `${(bytes / 2 ** 20).toFixed(2)} MB`
  return `  ${kind.padEnd(6)} ${String(keys).padStart(8)} keys  ${sampled === null ? size : `about ${size}, estimated from ${sampled} keys`}`
}

export function settingsText({ collection, isChanged, settings }: FoundSettings): string {
  return `${collection}: ${described(settings)}${isChanged ? '; cached answers deleted' : ''}`
}

function described({ seconds, fastSeconds, near }: FoundSettings['settings']): string {
  const overrides = [
    ...(seconds === null ? [] : [`answers ${timeText(seconds)}`]),
    ...(fastSeconds === null ? [] : [`fast answers ${timeText(fastSeconds)}`]),
    ...(near === null ? [] : [`semantic cache ${near ? 'on' : 'off'}`]),
  ]
  return overrides.length === 0
    ? 'service settings'
    : `${overrides.join(', ')}${overrides.length < 3 ? ', otherwise service settings' : ''}`
}

function timeText(seconds: number): string {
  return seconds === 0 ? 'never cached' : `cached for ${seconds} s`
}
