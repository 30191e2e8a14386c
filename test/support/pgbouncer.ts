import { chownSync, existsSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { postgresAccount } from './postgres-programs.ts'
import { runOwner } from './run.ts'
import {
  freePort,
  guard,
  removeServer,
  serverFolder,
  startServer,
  type Owner,
  type ServerProcess,
} from './server-process.ts'

/** A real PgBouncer in front of a Postgres. */
export interface PgBouncer extends ServerProcess {
  /** URL of the database through PgBouncer. */
  readonly url: string
}

/** Reason for tap's `skip` if PgBouncer is missing, otherwise false. In CI it throws instead. */
export function pgbouncerSkipReason(): string | false {
  if (program() !== undefined) return false
  const reason = 'no pgbouncer on this machine: run deploy/install-services.sh (Debian)'
  if (process.env['CI'] === 'true') throw new Error(reason)
  return reason
}

/** Starts PgBouncer until the test ends. `settings` are those of its section `[pgbouncer]`. */
export async function startPgBouncer(
  t: Owner,
  url: string,
  settings: Readonly<Record<string, string>>,
): Promise<PgBouncer> {
  const folder = serverFolder('pgbouncer')
  guard([process.pid, runOwner], folder, 'SIGQUIT')
  const [port, account, target] = [await freePort(), postgresAccount(), new URL(url)]
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    unix_socket_dir: '',
    auth_type: 'trust',
    auth_file: join(folder, 'users'),
    ...settings,
  }
  const lines = [
    '[databases]',
    `* = host=${target.hostname} port=${target.port}`,
    '[pgbouncer]',
    ...Object.entries(all).map(([name, value]) => `${name} = ${value}`),
  ]
  writeFileSync(join(folder, 'users'), `"${target.username}" ""\n`)
  writeFileSync(join(folder, 'pgbouncer.ini'), `${lines.join('\n')}\n`)
  for (const each of account ? [folder, join(folder, 'users'), join(folder, 'pgbouncer.ini')] : [])
    chownSync(each, account!.uid, account!.gid)
  const server = await startServer({
    command: program()!,
    args: ['-q', join(folder, 'pgbouncer.ini')],
    folder,
    stopSignal: 'SIGQUIT',
    account,
    isReady: () => accepts(port),
  })
  t.teardown(() => removeServer(server, folder))
  return Object.assign(server, { url: url.replace(`:${target.port}`, `:${port}`) })
}

/** Debian installs it in a folder that is not on the PATH of ordinary accounts. */
function program(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  return folders.map(folder => join(folder, 'pgbouncer')).find(path => existsSync(path))
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    const say = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => say(true)).once('error', () => say(false))
  })
}
