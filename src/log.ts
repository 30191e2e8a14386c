import { pino, type Logger } from 'pino'
import { standardOutput, type Output } from './output.ts'
import { printableLines } from './text/printable.ts'
import { readDatabaseUrl } from './config/database-url.ts'
import { readRedisUrl } from './config/redis-url.ts'
import { requestHeaders } from './config/request-headers.ts'
import type { Config } from './config/terms.ts'

/**
 * Writes JSON lines to stdout; lines of a request carry its id and trace (http/asking/run.ts). Question texts are
 * written only with LOG_QUESTIONS=on, keys and passwords never. Terminal control characters that JSON allows are
 * escaped. `worker` is the number of this process among several.
 */
export function createLogger({ log, ...config }: LogConfig, worker?: number): Logger {
  const mask = maskOf(secretsOf(config), laterSecrets)
  const options = {
    level: log.level,
    base: worker === undefined ? null : { worker },
    timestamp,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: ['req.headers.authorization', 'headers.authorization', ...(log.questions ? [] : ['question'])],
    serializers: { err: (error: unknown) => described(error, mask) },
  }
  return pino(options, (stdout ??= batched(standardOutput())))
}

let stdout: ReturnType<typeof batched> | undefined

const batchMs = 50
const batchCharacters = 65_536

/**
 * Batches lines, because one system call per line costs more than a cached answer. (pino's own destination measures its
 * buffer on every line, which costs a third of that.) A line waits at most 50 ms. The rest is written on exit, however
 * the process ends, except after SIGKILL. Lines that the output could not take are reported when it takes some again.
 */
function batched(output: Output) {
  let lines: string[] = []
  let size = 0
  let timer: NodeJS.Timeout | undefined
  let reported = 0
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    const { lost } = output.status()
    if (lost > reported && !output.isBlocked()) {
      lines.unshift(lossLine((reported = lost)))
      size += 1
    }
    if (size > 0) output.write(printableLines(lines.join('')), lines.length)
    lines = []
    size = 0
  }
  process.on('exit', flush)
  return {
    write(line: string) {
      lines.push(line)
      size += line.length
      if (size >= batchCharacters) flush()
      else timer ??= setTimeout(flush, batchMs).unref()
    },
  }
}

/** `lost` counts from the start of the process. */
function lossLine(lost: number): string {
  const msg = 'log lines were lost: the reader of stdout did not read them, or the disk was full'
  return `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), code: 'log-lost', lost, msg })}\n`
}

let stampedAt = 0
let stamp = ''

/** Like pino's isoTime, but formatted at most once per millisecond. */
function timestamp(): string {
  const now = Date.now()
  if (now !== stampedAt) stamp = `,"time":"${new Date(now).toISOString()}"`
  stampedAt = now
  return stamp
}

type LogConfig = Pick<Config, 'log'> &
  Partial<Pick<Config, 'models' | 'rerank' | 'adminApiKey' | 'monitoringApiKey' | 'database' | 'redis'>>

type Mask = (text: string) => string

interface Described {
  readonly type: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
  readonly cause?: Described
}

/**
 * Keeps only the useful fields of an error. Drivers attach much more: reply headers, queries with their values, and
 * server messages, in which some model servers repeat the API key.
 */
function described(error: unknown, mask: Mask): unknown {
  if (error instanceof Error) return fieldsOf(error, mask)
  return typeof error === 'string' ? mask(error) : error
}

function fieldsOf(error: Error, mask: Mask): Described {
  // Some model servers repeat the API key here as well.
  const code = 'code' in error && typeof error.code === 'string' ? { code: mask(error.code) } : {}
  const cause = error.cause instanceof Error ? { cause: fieldsOf(error.cause, mask) } : {}
  return { type: mask(error.name), message: mask(error.message), ...code, stack: mask(error.stack ?? ''), ...cause }
}

function secretsOf({
  models,
  rerank,
  adminApiKey,
  monitoringApiKey,
  database,
  redis,
}: Omit<LogConfig, 'log'>): string[] {
  const passwords = [...passwordsOf(database?.url), ...passwordsOf(redis?.url)]
  const keys = [models?.apiKey, models?.embeddingApi.apiKey, rerank?.apiKey]
  const headers = [models?.headers, models?.embeddingApi.headers, rerank?.headers].flatMap(longValuesOf)
  return [...keys, ...headers, adminApiKey, monitoringApiKey, ...passwords].filter(
    secret => secret !== undefined && secret !== '',
  ) as string[]
}

/** Shorter values are no secrets, and would blacken half of the log. */
const shortestSecret = 8

function longValuesOf(headers: Readonly<Record<string, string>> = {}): string[] {
  return Object.values(headers).filter(({ length }) => length >= shortestSecret)
}

/** The passwords in a URL of Postgres or Redis, wherever its form has them. */
function passwordsOf(url = ''): string[] {
  const database = readDatabaseUrl(url)
  const redis = readRedisUrl(url)
  const found = [database?.password, database?.tls.keyPassword, redis?.password, redis?.sentinelPassword]
  return found.filter(password => password !== undefined)
}

function maskOf(...secrets: readonly Iterable<string>[]): (text: string) => string {
  return text => secrets.reduce<string>(maskAll, text)
}

function maskAll(text: string, secrets: Iterable<string>): string {
  let masked = text
  for (const secret of secrets) masked = masked.replaceAll(secret, '[redacted]')
  return masked
}

const laterSecrets = new Set<string>()

/** Masks a secret that was read after the start: a key, the passwords of a URL, or the values of headers. */
export function maskAlso(secret: string): void {
  const parts = [...passwordsOf(secret), ...longValuesOf(requestHeaders.read(secret))]
  for (const each of parts.length > 0 ? parts : [secret]) laterSecrets.add(each)
}
