import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { AskError } from '../../errors.ts'
import { acquireFolder } from './folder-lock.ts'
import type { EmbeddedMessage, EmbeddedSettings } from './embedded-worker.ts'

export interface EmbeddedServer {
  /** For postgres.js: a server on the loopback interface, this process's own. */
  readonly url: string
  isAlive(): boolean
  close(): Promise<void>
}

/**
 * Starts Postgres inside this process, its files in `dataDir` (undefined: in memory). One process at a time may
 * have a folder open: two would destroy it, so the second is refused with the first one's pid.
 */
export async function openEmbedded(dataDir: string | undefined): Promise<EmbeddedServer> {
  const release = dataDir === undefined ? () => {} : lockedFolder(dataDir)
  const settings: EmbeddedSettings = {
    dataDir: dataDir === undefined ? undefined : join(dataDir, 'postgres'),
    // One is in use; a second may come before the first is seen to be gone.
    maxConnections: 2,
  }
  const worker = new Worker(new URL('./embedded-worker.ts', import.meta.url), { workerData: settings })
  let isAlive = true
  const exited = new Promise<void>(resolve => worker.once('exit', () => resolve())).then(() => void (isAlive = false))
  try {
    const port = await portOf(worker)
    return {
      isAlive: () => isAlive,
      url: `postgres://postgres@127.0.0.1:${port}/postgres?sslmode=disable`,
      async close() {
        worker.postMessage('close')
        await exited
        release()
      },
    }
  } catch (error) {
    release()
    throw error
  }
}

function lockedFolder(dataDir: string): () => void {
  mkdirSync(dataDir, { recursive: true })
  return acquireFolder(dataDir)
}

function portOf(worker: Worker): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) =>
      reject(new AskError('database_unavailable', { detail: 'the embedded database did not start', cause }))
    // Heard for as long as it lives: an error that nobody hears would end this process with it.
    worker.on('error', fail)
    // `node --watch` has every thread tell which files it reads, by messages that are none of ours.
    worker.on('message', (message: EmbeddedMessage | object) => {
      if ('ready' in message) resolve(message.ready.port)
      if ('failed' in message) fail(new Error(message.failed))
    })
  })
}
