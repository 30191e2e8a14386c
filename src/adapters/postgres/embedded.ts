import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { AskError } from '../../errors.ts'
import { acquireFolder } from './folder-lock.ts'
import type { EmbeddedMessage, EmbeddedSettings } from './embedded-worker.ts'

export interface EmbeddedServer {
  /** For postgres.js: this process's own server on the loopback interface. */
  readonly url: string
  isAlive(): boolean
  close(): Promise<void>
}

/**
 * Starts Postgres inside this process, with its files in `dataDir` (undefined for memory). Only one process may have a
 * folder open, because two would corrupt it; the second is rejected with the pid of the first.
 */
export async function openEmbedded(dataDir: string | undefined): Promise<EmbeddedServer> {
  const release = dataDir === undefined ? () => {} : lockedFolder(dataDir)
  const settings: EmbeddedSettings = {
    dataDir: dataDir === undefined ? undefined : join(dataDir, 'postgres'),
    // One is in use; a second may be opened before the first is known to be closed.
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
    // Registered for the worker's lifetime: an unhandled 'error' event would end this process.
    worker.on('error', fail)
    // `node --watch` makes every thread report the files it reads, with messages that are not ours.
    worker.on('message', (message: EmbeddedMessage | object) => {
      if ('ready' in message) resolve(message.ready.port)
      if ('failed' in message) fail(new Error(message.failed))
    })
  })
}
