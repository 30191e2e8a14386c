import { pino, type Logger } from 'pino'
import { printableLines } from './text/printable.ts'
import type { Config } from './config/terms.ts'

/**
 * JSON lines on stdout; the lines of a request carry its id and trace (http/ask.ts). Question texts are written only
 * when the operator asked for it; keys and passwords never are. What JSON leaves as it is and a terminal obeys is escaped.
 */
export function createLogger({ log, ...config }: LogConfig): Logger {
  const mask = maskOf(secretsOf(config))
  const options = {
    level: log.level,
    base: null,
    timestamp,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: ['req.headers.authorization', 'headers.authorization', ...(log.questions ? [] : ['question'])],
    serializers: { err: (error: unknown) => described(error, mask) },
  }
  return pino(options, (stdout ??= gathered(text => void process.stdout.write(printableLines(text)))))
}

let stdout: ReturnType<typeof gathered> | undefined

const gatherMs = 50
const gatherCharacters = 65_536

/**
 * Lines written together: a system call a line costs more than a cached answer. (pino's own destination measures what
 * it holds with every line, which costs a third of that.) None waits longer than a moment, and what is left is written
 * at the exit, however that comes, but for SIGKILL.
 */
function gathered(out: (text: string) => void) {
  let lines: string[] = []
  let size = 0
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    if (size > 0) out(lines.join(''))
    lines = []
    size = 0
  }
  process.on('exit', flush)
  return {
    write(line: string) {
      lines.push(line)
      size += line.length
      if (size >= gatherCharacters) flush()
      else timer ??= setTimeout(flush, gatherMs).unref()
    },
  }
}

let stampedAt = 0
let stamp = ''

/** As pino's isoTime, made once a millisecond. */
function timestamp(): string {
  const now = Date.now()
  if (now !== stampedAt) stamp = `,"time":"${new Date(now).toISOString()}"`
  stampedAt = now
  return stamp
}

type LogConfig = Pick<Config, 'log'> &
  Partial<Pick<Config, 'models' | 'rerank' | 'adminApiKey' | 'monitoringApiKey' | 'database' | 'redis'>>

interface Described {
  readonly type: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
  readonly cause?: Described
}

/**
 * The few fields that help. Drivers hang much more on their errors: reply headers, queries with their values, and
 * what a server said, which for some model servers includes the key that it was sent.
 */
function described(error: unknown, mask: (text: string) => string): Described | unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? mask(error) : error
  // Some model servers repeat the key here as well.
  const code = 'code' in error && typeof error.code === 'string' ? { code: mask(error.code) } : {}
  const cause = error.cause instanceof Error ? { cause: described(error.cause, mask) } : {}
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
  const passwords = [
    passwordOf(database?.url),
    passwordOf(redis?.url),
    decoded(/[?&]sentinel_password=([^&#]*)/.exec(redis?.url ?? '')?.[1] ?? ''),
  ]
  return [models?.apiKey, rerank?.apiKey, adminApiKey, monitoringApiKey, ...passwords].filter(
    secret => secret !== undefined && secret !== '',
  ) as string[]
}

/** Not by the URL parser: a Cluster's or a Sentinel's has several hosts. */
function passwordOf(url = ''): string {
  const [, login = ''] = /^(?:[a-z+]+:\/\/)?(?:([^\s/?#]*)@)?/.exec(url) ?? []
  return login.includes(':') ? decoded(login.slice(login.indexOf(':') + 1)) : ''
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function maskOf(secrets: readonly string[]): (text: string) => string {
  return text => secrets.reduce((masked, secret) => masked.replaceAll(secret, '[redacted]'), text)
}
