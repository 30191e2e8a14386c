import { hash } from 'node:crypto'
import { readApiKeys, type Sources } from './api-keys.ts'
import { arrange } from './arrange.ts'
import { faultsBetween } from './checks.ts'
import type { Setting } from './kinds.ts'
import { settings, type RawSettings } from './settings.ts'
import { ConfigError, type Config } from './terms.ts'

/**
 * The only code that reads the environment. Every setting is described once, in {@link settings}: its name, default,
 * meaning and parser. The README's table and `askwell --help` are generated from that list.
 */

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Returns one frozen object, or throws a {@link ConfigError} with every fault. An empty variable counts as unset.
 * `defaults` replace unset variables and take precedence over the settings' own defaults.
 */
export function readConfig(env: Environment = process.env, defaults: Environment = {}): Config {
  const faults: string[] = []
  const entries = Object.entries(settings).map(([key, each]) => [
    key,
    readSetting(each, { ...defaults, ...withoutEmpty(env) }, faults),
  ])
  const raw = Object.fromEntries(entries) as RawSettings
  faults.push(...faultsBetween(raw))
  const keySources = keySourcesOf(raw)
  const keys = readApiKeys(keySources, faults)
  if (faults.length > 0) throw new ConfigError(faults)
  return deepFreeze({ ...arrange(raw), keys, keySources, deprecations: deprecationsIn(env) })
}

/** True if npm, npx or bin/askwell.js started the process: they remain its parent and forward signals to it. */
export function isLaunched(env: Environment = process.env): boolean {
  return env['npm_lifecycle_event'] !== undefined || env['ASKWELL_LAUNCHER'] !== undefined
}

/** Which of several processes on one port this is. */
export interface WorkerPlace {
  /** From 1. A replacement gets the number of the process that it replaces. */
  readonly number: number
  readonly of: number
}

const workerVariable = 'ASKWELL_WORKER'

/** The place of this process, if the primary has started it with {@link workerEnvironment}; otherwise null. */
export function workerPlace(env: Environment = process.env): WorkerPlace | null {
  const [, number, of] = /^(\d+)\/(\d+)$/.exec(env[workerVariable] ?? '') ?? []
  return number === undefined ? null : { number: Number(number), of: Number(of) }
}

export function workerEnvironment({ number, of }: WorkerPlace): Record<string, string> {
  return { [workerVariable]: `${number}/${of}` }
}

/** Whether the operator has chosen Node's heap limit. */
export function setsHeapLimit(env: Environment = process.env, nodeArgs: readonly string[] = process.execArgv): boolean {
  return [env['NODE_OPTIONS'] ?? '', ...nodeArgs].some(text => /--max[-_]old[-_]space[-_]size/.test(text))
}

/** Treats ADMIN_API_KEY and MONITORING_API_KEY like any other key. */
function keySourcesOf(raw: RawSettings): Sources {
  const single = [
    ['ADMIN_API_KEY', 'admin', raw.adminApiKey],
    ['MONITORING_API_KEY', 'monitoring', raw.monitoringApiKey],
  ] as const
  const named = single.flatMap(([name, scope, key]) =>
    key === undefined ? [] : [{ name, sha256: hash('sha256', key, 'hex'), scopes: [scope] }],
  )
  return { inline: raw.apiKeys, file: raw.apiKeysFile, named, hasPrices: raw.modelPrices !== undefined }
}

function withoutEmpty(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()))
}

/** One message per setting that is set under its former name. */
function deprecationsIn(env: Environment): string[] {
  return Object.values<Setting<unknown>>(settings)
    .filter(({ formerName }) => formerName !== undefined && env[formerName]?.trim())
    .map(({ name, formerName }) => `${formerName} is deprecated: use ${name}`)
}

function readSetting(each: Setting<unknown>, env: Environment, faults: string[]): unknown {
  const { formerName } = each
  // A fault names the variable that the operator has set.
  const name = formerName !== undefined && !env[each.name] && env[formerName] ? formerName : each.name
  const text = env[name]?.trim() ?? each.default
  if (text === undefined) return undefined
  const value = each.read(text)
  // The part before an @ may be a password, whatever the fault is.
  const isShown = !each.isSecret && !text.includes('@')
  if (value === undefined) {
    const fault = each.faultOf?.(text) ?? null
    const shown = isShown ? JSON.stringify(text) : 'invalid'
    faults.push(fault === null ? `${name} is ${shown}; it must be ${each.allowed}` : `${name} is invalid: it ${fault}`)
  }
  return value
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner)
  return Object.freeze(value)
}
