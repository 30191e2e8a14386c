import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { guard } from './server-process.ts'
import { startCluster, urlOf } from './postgres.ts'

/** `node test/support/open-kept.ts FOLDER [DATABASE]` restarts the server of a failed run until Ctrl-C. */
const [folder, database = 'postgres'] = process.argv.slice(2)
if (folder === undefined || !existsSync(join(folder, 'kept'))) {
  console.error('usage: node test/support/open-kept.ts FOLDER [DATABASE]   (a folder that a failed test printed)')
  process.exit(2)
}

guard([process.pid], folder, 'SIGINT')
const { port } = await startCluster(folder, {})
console.log(`psql '${urlOf(port, database)}'   (Ctrl-C here stops the server; remove ${folder} when done)`)
setInterval(() => undefined, 60_000)
