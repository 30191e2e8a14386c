import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { guard } from './server-process.ts'
import { until } from './until.ts'

/**
 * A run is everything that one `tap` starts. Its test files are processes of their own, so what they share (one
 * Postgres) is made by the first that asks and found by the others through a folder named after the runner.
 */

/** The process a run belongs to: tap's runner, or this very process when a file is run by hand. */
export const runOwner = process.env['TAP_CHILD_ID'] === undefined ? process.pid : process.ppid

/**
 * Calls `make` in one process of the run and gives its result (plain JSON) to all. The folder is for what is made; when
 * the run is over it is removed, and a server whose number stands in its file `pid` gets SIGQUIT.
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

/** Making a folder either works or fails, for exactly one of many: it is the lock. */
function claim(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o755 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** A failure is a result too: the other files fail with the same words instead of waiting. */
async function settle<T>(make: () => Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await make() }
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

/** Renamed into place, so that nobody reads half of it. */
function publish(path: string, value: unknown): void {
  writeFileSync(`${path}.new`, JSON.stringify(value))
  renameSync(`${path}.new`, path)
}

/** Waits for it as long as the process that makes it is there. */
async function read<T>(folder: string, path: string): Promise<Settled<T>> {
  const isMakerGone = () => {
    const maker = published<number>(join(folder, makerFile))
    return maker !== null && !isAlive(maker) && `process ${maker}, which claimed it, is gone`
  }
  return await until(`${path} is made`, () => published<Settled<T>>(path), { ended: isMakerGone })
}

/** Cheap, for it is asked often. The runner reaps its children, so a zombie is none for long. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

const makerFile = 'maker.json'

/** Null: not there yet. */
function published<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch {
    return null
  }
}

/** Process numbers come round again; with its start time one is unique. Other systems than Linux go without. */
function startOf(pid: number): string {
  try {
    const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1) ?? ''
    return afterName.split(' ')[19] ?? '0'
  } catch {
    return '0'
  }
}
