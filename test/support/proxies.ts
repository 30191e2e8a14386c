import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { runOwner } from './run.ts'
import { freePort, guard, removeServer, serverFolder, startServer, type Owner } from './server-process.ts'

/** Reverse proxies with the configurations of deploy/proxies, changed as little as a test allows. */
export interface ProxyKind {
  readonly name: string
  /** Whether CI must have it: deploy/install-services.sh installs it. */
  readonly isRequired: boolean
  readonly file: string
  readonly stopSignal: NodeJS.Signals
  /** Makes the proxy compress everything, events too. Null for one that cannot do so without holding them back. */
  readonly compressAll: ((config: string) => string) | null
  /** Writes what the program needs, and returns its arguments. */
  readonly prepare: (folder: string, config: string) => readonly string[]
}

export const proxyKinds: readonly ProxyKind[] = [
  {
    name: 'nginx',
    isRequired: true,
    file: 'nginx.conf',
    stopSignal: 'SIGQUIT',
    compressAll: config =>
      config.replace(
        'server {\n  listen',
        'server {\n  gzip on; gzip_min_length 1; gzip_proxied any; gzip_types text/event-stream application/json;\n  listen',
      ),
    prepare(folder, config) {
      const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      const http = paths.map(each => `${each}_temp_path ${join(folder, each)};`).join(' ')
      const main = `daemon off; pid ${join(folder, 'nginx.pid')}; events {}\nhttp { access_log off; ${http}\n${config}\n}\n`
      writeFileSync(join(folder, 'main.conf'), main)
      return ['-c', join(folder, 'main.conf'), '-p', folder, '-e', 'stderr']
    },
  },
  {
    name: 'haproxy',
    isRequired: true,
    file: 'haproxy.cfg',
    stopSignal: 'SIGTERM',
    compressAll: config => config.replace('compression type ', 'compression type text/event-stream '),
    prepare(folder, config) {
      writeFileSync(join(folder, 'haproxy.cfg'), config)
      return ['-db', '-f', join(folder, 'haproxy.cfg')]
    },
  },
  {
    name: 'caddy',
    isRequired: false,
    file: 'Caddyfile',
    stopSignal: 'SIGTERM',
    compressAll: null,
    prepare(folder, config) {
      const options = `{\n\tadmin off\n\tauto_https off\n\tstorage file_system ${folder}\n}\n`
      writeFileSync(join(folder, 'Caddyfile'), options + config)
      return ['run', '--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')]
    },
  },
]

/** True if the test needs no such proxy and this machine has none. CI does not install it, and counts a skip as a failure. */
export function isLeftOut({ name, isRequired }: ProxyKind): boolean {
  return !isRequired && programOf(name) === undefined
}

/** Reason for tap's `skip` if the proxy is missing, otherwise false. In CI it throws instead. */
export function proxySkipReason({ name }: ProxyKind): string | false {
  if (programOf(name) !== undefined) return false
  const reason = `no ${name} on this machine: run deploy/install-services.sh (Debian)`
  if (process.env['CI'] === 'true') throw new Error(reason)
  return reason
}

/** Starts the proxy in front of `upstream` until the test ends. Returns its URL. */
export async function startProxy(
  t: Owner,
  kind: ProxyKind,
  upstream: string,
  change: (config: string) => string = config => config,
): Promise<string> {
  const folder = serverFolder(kind.name)
  guard([process.pid, runOwner], folder, kind.stopSignal)
  const port = await freePort()
  const config = readFileSync(new URL(`../../deploy/proxies/${kind.file}`, import.meta.url), 'utf8')
  const placed = config.replaceAll('127.0.0.1:3000', new URL(upstream).host).replaceAll('8080', String(port))
  const server = await startServer({
    // Caddy saves its configuration in the home folder otherwise.
    command: 'env',
    args: [`XDG_CONFIG_HOME=${folder}`, programOf(kind.name)!, ...kind.prepare(folder, change(placed))],
    folder,
    stopSignal: kind.stopSignal,
    isReady: () => accepts(port),
  })
  t.teardown(() => removeServer(server, folder))
  return `http://127.0.0.1:${port}`
}

/** Debian installs servers in a folder that is not on the PATH of ordinary accounts. */
function programOf(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  return folders.map(folder => join(folder, name)).find(path => existsSync(path))
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    const settle = (isOpen: boolean) => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.once('connect', () => settle(true)).once('error', () => settle(false))
  })
}
