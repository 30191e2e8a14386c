import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { guard } from './server-process.ts'
import { until } from './until.ts'

/**
 * A run is everything that one `tap` starts. Its test files are separate processes. A resource that they share (one
 * Postgres) is created by the first that needs it; the others find it through a folder named after the runner.
 */

/** The process that a run belongs to: tap's runner, or this process if a file is run by hand. */
export const runOwner = process.env['TAP_CHILD_ID'] === undefined ? process.pid : process.ppid

/**
 * Calls `make` in one process of the run and returns its result (plain JSON) in all of them. The folder is for the
 * files of the resource. After the run it is removed, and a server with its process id in the file `pid` gets SIGQUIT.
 */
export async function oncePerRun<T>(name: string, make: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(tmpdir(), `askwell-test-run-${runOwner}-${startOf(runOwner)}-${name}`)
  const result = join(folder, 'result.json')
  if (claim(folder)) {
    guard([runOwner], folder, 'SIGQUIT')
    publish(join(folder, makerFile), process.pid)
    publish(result, await settle(() => make(folder)))
  }
  const { value, error } = await read<T>(folder, result)
  if (error !== undefined) throw new Error(error)
  return value as T
}

interface Settled<T> {
  readonly value?: T
  readonly error?: string
}

/** Creating the folder is the lock, because it succeeds in exactly one of many processes. */
function claim(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o755 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** A failure is published like a result, so that other files fail with its message instead of waiting. */
async function settle<T>(make: () => Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await make() }
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

/** Renames the file into place, so that other processes never read a partial one. */
function publish(path: string, value: unknown): void {
  writeFileSync(`${path}.new`, JSON.stringify(value))
  renameSync(`${path}.new`, path)
}

/** Waits for the result as long as the process that creates it is alive. */
async function read<T>(folder: string, path: string): Promise<Settled<T>> {
  const isMakerGone = () => {
    const maker = published<number>(join(folder, makerFile))
    return maker !== null && !isAlive(maker) && `process ${maker}, which claimed it, is gone`
  }
  return await until(`${path} is made`, () => published<Settled<T>>(path), { ended: isMakerGone })
}

/** Cheap, because it is called often. The runner reaps its children, so a zombie does not last. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

const makerFile = 'maker.json'

/** Null if it is not published yet. */
function published<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch {
    return null
  }
}

/** Start time of a process, which makes its reusable id unique. Only available on Linux. */
function startOf(pid: number): string {
  try {
    const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1) ?? ''
    return afterName.split(' ')[19] ?? '0'
  } catch {
    return '0'
  }
}
