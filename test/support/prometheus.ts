import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parse, stringify } from 'yaml'
import {
  freePort,
  guard,
  removeServer,
  serverFolder,
  startServer,
  type Owner,
  type ServerProcess,
} from './server-process.ts'
import { runOwner } from './run.ts'

/** A real Prometheus with the rules and the configuration of deploy/prometheus, but shorter intervals. */
export interface Prometheus extends ServerProcess {
  readonly url: string
  /** The `data` of the reply of `/api/v1/PATH`. */
  api(path: string, parameters?: Record<string, string>): Promise<any> // eslint-disable-line
  /** Result of an instant query. */
  query(
    expr: string,
  ): Promise<
    readonly { readonly metric: Readonly<Record<string, string>>; readonly value: readonly [number, string] }[]
  >
}

export const rulesFolder = fileURLToPath(new URL('../../deploy/prometheus/', import.meta.url))

export interface RuleGroup {
  readonly name: string
  readonly rules: readonly Rule[]
}

export interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  readonly for?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

/** Like {@link redisSkipReason}. Debian's package `prometheus` contains both programs. */
export function prometheusSkipReason(): string | false {
  if (programNamed('prometheus') && programNamed('promtool')) return false
  const reason =
    'no prometheus and promtool on this machine: run deploy/install-services.sh (Debian), or put both on PATH'
  if (process.env['CI'] === 'true') throw new Error(reason)
  return reason
}

/** Runs promtool with `input` on stdin and returns its output and exit code. */
export async function promtool(
  args: readonly string[],
  input = '',
): Promise<{ readonly code: number; readonly text: string }> {
  const running = promisify(execFile)(programNamed('promtool')!, [...args])
  running.child.stdin!.end(input)
  return await running.then(
    ({ stdout, stderr }) => ({ code: 0, text: stdout + stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      text: error.stdout + error.stderr,
    }),
  )
}

export interface StartOptions {
  /** `host:port` of a service. */
  readonly target: string
  /** Changes to the alert rules. */
  readonly alerts?: (rule: Rule) => Rule
  readonly recording?: (rule: Rule) => Rule
}

export async function startPrometheus(
  t: Owner,
  { target, alerts = rule => rule, recording = rule => rule }: StartOptions,
): Promise<Prometheus> {
  const folder = serverFolder('prometheus')
  guard([process.pid, runOwner], folder, 'SIGTERM')
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  writeRules(folder, 'recording-rules.yaml', recording)
  writeRules(folder, 'alert-rules.yaml', alerts)
  writeConfig(folder, target)
  const server = await startServer({
    command: programNamed('prometheus')!,
    args: [
      `--config.file=${join(folder, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--enable-feature=exemplar-storage',
    ],
    folder,
    stopSignal: 'SIGTERM',
    isReady: async () => (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok === true,
  })
  t.teardown(() => removeServer(server, folder))
  const api = async (path: string, parameters: Record<string, string> = {}) => {
    const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`)
    return ((await response.json()) as { data: any }).data // eslint-disable-line
  }
  return Object.assign(server, {
    url,
    api,
    query: async (expr: string) => (await api('query', { query: expr })).result,
  })
}

export function readRules(file: string): readonly RuleGroup[] {
  return (parse(readText(file)) as { groups: RuleGroup[] }).groups
}

function writeRules(folder: string, file: string, change: (rule: Rule) => Rule): void {
  const groups = readRules(file).map(group => ({ ...group, rules: group.rules.map(change) }))
  writeFileSync(join(folder, file), stringify({ groups }))
}

interface Config {
  readonly global: object
  readonly scrape_configs: readonly { readonly job_name: string }[]
}

function writeConfig(folder: string, target: string): void {
  const config = parse(readText('prometheus.yaml')) as Config
  const global = { ...config.global, scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' }
  const jobs = config.scrape_configs.map(job => ({ ...job, static_configs: [{ targets: [target] }] }))
  writeFileSync(join(folder, 'prometheus.yaml'), stringify({ ...config, global, scrape_configs: jobs }))
}

function readText(file: string): string {
  return readFileSync(join(rulesFolder, file), 'utf8')
}

function programNamed(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map(folder => join(folder, name))
    .find(path => existsSync(path))
}
