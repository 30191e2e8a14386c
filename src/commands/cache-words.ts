import type { CacheContents } from '../adapters/postgres/store/cache-contents.ts'
import type { KeyFigures } from '../adapters/redis/cache-keys.ts'
import type { RedisState } from './cache-redis.ts'

/** What the commands of the caches did and found; in words. */

export interface Cleared {
  readonly collection: string | null
  /** Null unless Redis is done. */
  readonly redisKeys: number | null
  readonly redis: RedisState
}

export interface Stats extends CacheContents {
  readonly redis: RedisState
  /** By kind; null unless Redis is done. */
  readonly redisKeys: Readonly<Record<string, KeyFigures>> | null
}

export interface FoundSettings {
  readonly collection: string
  readonly isChanged: boolean
  /** The collection's own; null: as the service is set. */
  readonly settings: {
    readonly seconds: number | null
    readonly fastSeconds: number | null
    readonly near: boolean | null
  }
}

export function clearedText({ collection, redis, redisKeys }: Cleared): string {
  const what =
    collection === null ? 'the answers of all collections are forgotten' : `${collection}: its answers are forgotten`
  const keys = redis === 'done' ? `; ${redisKeys} keys removed from Redis` : ''
  const away = '; Redis is away or did not finish: nothing kept there is given any more'
  return (
    what +
    (redis === 'away'
      ? `${away}${collection === null ? ', but what models wrote, and vectors, until their time is over' : ''}`
      : keys)
  )
}

export function statsText({ collections, observations, redis, redisKeys }: Stats): string {
  const rows = collections.map(
    ({ name, epoch, settings, nearQuestions }) =>
      `${name}: epoch ${epoch}, ${described(settings)}, ${nearQuestions} questions kept for near ones`,
  )
  const learned = observations.map(
    ({ model, count, right }) =>
      `near questions compared with ${model}: ${count}, ${right} of them with the same answer`,
  )
  const state = {
    off: 'Redis: not set (REDIS_URL)',
    away: 'Redis: away, or not gone through to the end',
    done: 'Redis:',
  }[redis]
  return [...rows, ...learned, state, ...Object.entries(redisKeys ?? {}).map(keysText)].join('\n')
}

function keysText([kind, { keys, bytes, sampled }]: [string, KeyFigures]): string {
  const size = `${(bytes / 2 ** 20).toFixed(2)} MB`
  return `  ${kind.padEnd(6)} ${String(keys).padStart(8)} keys  ${sampled === null ? size : `about ${size}, by a sample of ${sampled}`}`
}

export function settingsText({ collection, isChanged, settings }: FoundSettings): string {
  return `${collection}: ${described(settings)}${isChanged ? '; what was kept is forgotten' : ''}`
}

function described({ seconds, fastSeconds, near }: FoundSettings['settings']): string {
  const own = [
    ...(seconds === null ? [] : [`answers ${timeText(seconds)}`]),
    ...(fastSeconds === null ? [] : [`fast answers ${timeText(fastSeconds)}`]),
    ...(near === null ? [] : [`near answers ${near ? 'on' : 'off'}`]),
  ]
  return own.length === 0
    ? 'as the service is set'
    : `${own.join(', ')}${own.length < 3 ? ', else as the service is set' : ''}`
}

function timeText(seconds: number): string {
  return seconds === 0 ? 'never kept' : `kept ${seconds} s`
}
