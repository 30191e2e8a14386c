import { hash } from 'node:crypto'
import { readApiKeys, type Sources } from './api-keys.ts'
import { arrange, isTracing } from './arrange.ts'
import { faultsBetween } from './checks.ts'
import type { Setting } from './kinds.ts'
import { readDatabaseUrl } from './database-url.ts'
import { misspeltIn } from './misspelt.ts'
import { proxyFaults, proxyNotices } from './proxies.ts'
import { fileSettings, withFiles } from './secret-files.ts'
import { withPulledModels } from './pulled-models.ts'
import { settings, type RawSettings } from './settings.ts'
import { traceSettings } from './settings/traces.ts'
import { ConfigError, type Config, type SecretFile } from './terms.ts'

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
  const notices: string[] = []
  const known = withoutForeign({ ...defaults, ...withoutEmpty(env) }, notices)
  const { values, files } = withFiles(known, faults)
  const raw = withPulledModels(readSettings(values, files, faults))
  faults.push(...faultsBetween(raw, faults), ...proxyFaults(env, raw))
  const keySources = keySourcesOf(raw)
  const keys = readApiKeys(keySources, faults)
  if (faults.length > 0) throw new ConfigError(faults)
  notices.push(...deprecationsIn(env), ...noticesAbout(env, raw))
  return deepFreeze({ ...arrange(raw), keys, keySources, secretFiles: files, notices })
}

/** Settings of traces count only if traces are wanted: a platform may set them for every program. */
function readSettings(env: Environment, files: readonly SecretFile[], faults: string[]): RawSettings {
  const ofTraces: string[] = []
  const entries = Object.entries<Setting<unknown>>(settings).map(([key, each]) => [
    key,
    readSetting(each, { env, files }, key in traceSettings && each.name.startsWith('OTEL_') ? ofTraces : faults),
  ])
  const raw = Object.fromEntries(entries) as RawSettings
  const hasEndpoint = [settings.otlpEndpoint, settings.otlpTracesEndpoint].some(({ name }) => env[name] !== undefined)
  if (hasEndpoint && !raw.otelDisabled && raw.tracesExporter !== 'none') faults.push(...ofTraces)
  return raw
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

/**
 * Kubernetes sets NAME_PORT for each service in the namespace, for the sake of Docker's links: a service called
 * "monitoring" has MONITORING_PORT=tcp://10.0.0.1:80. Nobody means a setting of ours by that.
 */
function withoutForeign(env: Environment, notices: string[]): Environment {
  const names = Object.values<Setting<unknown>>(settings).map(({ name }) => name)
  const foreign = names.filter(name => name.endsWith('PORT') && /^(tcp|udp|sctp):\/\//.test(env[name]?.trim() ?? ''))
  for (const name of foreign)
    notices.push(
      `${name} is the address of a Kubernetes service and is ignored; enableServiceLinks: false in the pod keeps such variables away`,
    )
  return Object.fromEntries(Object.entries(env).filter(([name]) => !foreign.includes(name)))
}

/** Variables that look like settings and have no effect. */
function noticesAbout(env: Environment, raw: RawSettings): string[] {
  const all = Object.values<Setting<unknown>>(settings)
  const filed = fileSettings.map(({ name }) => `${name}_FILE`)
  const isSet = (name: string) => Boolean(env[name]?.trim())
  const known = all.flatMap(({ name, preferredName, formerName }) => [name, preferredName ?? name, formerName ?? name])
  const notSecret = all.filter(
    ({ name, isSecret }) => !isSecret && isSet(`${name}_FILE`) && !known.includes(`${name}_FILE`),
  )
  return [
    ...misspeltIn(env, [...known, ...filed]).map(
      ({ name, meant }) => `${name} is not a setting; ${meant} may be meant`,
    ),
    ...notSecret.map(({ name }) => `${name}_FILE is not read: only secrets can be in a file; set ${name}`),
    ...unusedParameters(raw),
    ...traceNotices(raw, env),
    ...proxyNotices(env, raw),
  ]
}

function unusedParameters({ databaseUrl }: RawSettings): string[] {
  const unused = databaseUrl === undefined ? [] : (readDatabaseUrl(databaseUrl)?.unused ?? [])
  if (unused.length === 0) return []
  return [
    `DATABASE_URL has parameters that have no effect here: ${unused.join(', ')}; connections are set with POOL_SIZE`,
  ]
}

function traceNotices(raw: RawSettings, env: Environment): string[] {
  const isSet = (name: string) => Boolean(env[name]?.trim())
  const others = ['OTEL_METRICS_EXPORTER', 'OTEL_LOGS_EXPORTER'].filter(name =>
    /^(?!none$)./.test(env[name]?.trim() ?? ''),
  )
  const wanted = [settings.tracesExporter, settings.otlpProtocol, settings.otlpHeaders, settings.tracesSampler]
    .flatMap(({ name, preferredName }) => [name, preferredName ?? name])
    .filter(isSet)
  const isOff = raw.otelDisabled || raw.tracesExporter === 'none'
  const takesShare = /traceidratio/.test(raw.tracesSampler ?? '')
  return [
    ...others.map(
      name =>
        `${name} has no effect: metrics are at /metrics, logs go to stdout, and only traces are sent to a collector`,
    ),
    ...(isOff || isTracing(raw) || wanted.length === 0
      ? []
      : [`${wanted[0]} has no effect: without OTEL_EXPORTER_OTLP_ENDPOINT nothing is traced`]),
    ...(isTracing(raw) && raw.tracesSamplerArg !== undefined && !takesShare
      ? ['OTEL_TRACES_SAMPLER_ARG has no effect: set OTEL_TRACES_SAMPLER=parentbased_traceidratio']
      : []),
  ]
}

interface SettingSource {
  readonly env: Environment
  readonly files: readonly SecretFile[]
}

function readSetting(each: Setting<unknown>, { env, files }: SettingSource, faults: string[]): unknown {
  // A fault names the variable that the operator has set.
  const name = setName(each, env)
  const text = env[name]?.trim() ?? each.default
  if (text === undefined) return undefined
  const value = each.read(text)
  // The part before an @ may be a password, whatever the fault is.
  const isShown = !each.isSecret && !text.includes('@')
  const file = files.some(found => found.name === name) ? ` (from ${name}_FILE)` : ''
  if (value === undefined) {
    const fault = each.faultOf?.(text) ?? null
    const shown = isShown ? JSON.stringify(text) : 'invalid'
    faults.push(
      fault === null
        ? `${name}${file} is ${shown}; it must be ${each.allowed}`
        : `${name}${file} is invalid: it ${fault}`,
    )
  }
  return value
}

/** The variable that has the value: the more specific one, or the former one if the current one is unset. */
function setName({ name, preferredName, formerName }: Setting<unknown>, env: Environment): string {
  if (preferredName !== undefined && env[preferredName]) return preferredName
  return formerName !== undefined && !env[name] && env[formerName] ? formerName : name
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deepFreeze(inner)
  return Object.freeze(value)
}
