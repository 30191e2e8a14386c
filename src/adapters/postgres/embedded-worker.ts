/**
 * The embedded database's thread: PGlite (Postgres compiled to WebAssembly) behind a socket that any Postgres driver
 * can use. A WASM query blocks its thread, so it must not be the thread that serves requests.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { btree_gin } from '@electric-sql/pglite/contrib/btree_gin'
import { fuzzystrmatch } from '@electric-sql/pglite/contrib/fuzzystrmatch'
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm'
import { pg_textsearch } from '@electric-sql/pglite-pg_textsearch'
import { vector } from '@electric-sql/pglite-pgvector'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'

export interface EmbeddedSettings {
  /** Folder of the database; undefined to keep it in memory. */
  readonly dataDir: string | undefined
  readonly maxConnections: number
}

export type EmbeddedMessage = { readonly ready: { readonly port: number } } | { readonly failed: string }

const settings = workerData as EmbeddedSettings
const port = parentPort
if (!port) throw new Error('embedded-worker.ts runs in a worker thread only')

try {
  const db = await PGlite.create({
    ...(settings.dataDir === undefined ? {} : { dataDir: settings.dataDir }),
    extensions: { vector, pg_textsearch, pg_trgm, btree_gin, fuzzystrmatch },
  })
  const server = new PGLiteSocketServer({ db, host: '127.0.0.1', port: 0, maxConnections: settings.maxConnections })
  await server.start()
  port.once('message', async () => {
    await server.stop()
    await db.close()
    port.close()
  })
  const address = server.getServerConn()
  port.postMessage({ ready: { port: Number(address.slice(address.lastIndexOf(':') + 1)) } } satisfies EmbeddedMessage)
} catch (error) {
  port.postMessage({ failed: error instanceof Error ? error.message : String(error) } satisfies EmbeddedMessage)
  port.close()
}
