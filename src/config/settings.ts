import type { Setting } from './kinds.ts'
import { accessSettings } from './settings/access.ts'
import { addressSettings } from './settings/addresses.ts'
import { admissionSettings } from './settings/admission.ts'
import { answeringSettings } from './settings/answering.ts'
import { cacheSettings } from './settings/caches.ts'
import { connectionSettings } from './settings/connections.ts'
import { databaseSettings } from './settings/database.ts'
import { evaluationSettings } from './settings/evaluation.ts'
import { logSettings } from './settings/log.ts'
import { modelSettings } from './settings/models.ts'
import { preparingSettings } from './settings/preparing.ts'
import { processSettings } from './settings/processes.ts'
import { rateLimitSettings } from './settings/rate-limit.ts'
import { redisSettings } from './settings/redis.ts'
import { rerankingSettings } from './settings/reranking.ts'
import { traceSettings } from './settings/traces.ts'

/** Every setting, described once: its name, default, meaning and allowed values. In the order of the reference. */
export const settingSections = {
  Addresses: addressSettings,
  Database: databaseSettings,
  Redis: redisSettings,
  Models: modelSettings,
  Reranking: rerankingSettings,
  Evaluation: evaluationSettings,
  'Preparing documents': preparingSettings,
  Answering: answeringSettings,
  Caches: cacheSettings,
  'Admission and load shedding': admissionSettings,
  'Rate limit': rateLimitSettings,
  'Keys and access': accessSettings,
  Connections: connectionSettings,
  Log: logSettings,
  'Processes, start and shutdown': processSettings,
  Traces: traceSettings,
} as const

export const settings = {
  ...addressSettings,
  ...databaseSettings,
  ...redisSettings,
  ...modelSettings,
  ...rerankingSettings,
  ...evaluationSettings,
  ...preparingSettings,
  ...answeringSettings,
  ...cacheSettings,
  ...admissionSettings,
  ...rateLimitSettings,
  ...accessSettings,
  ...connectionSettings,
  ...logSettings,
  ...processSettings,
  ...traceSettings,
} as const

type Settings = typeof settings
type Value<S> = S extends Setting<infer T, infer Default> ? (Default extends string ? T : T | undefined) : never
/** A setting with a default always has a value. */
export type RawSettings = { readonly [Name in keyof Settings]: Value<Settings[Name]> }
