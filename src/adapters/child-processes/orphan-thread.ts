/** The thread of orphan-watch.ts. A process whose parent has ended is given to another one. */
import { workerData } from 'node:worker_threads'

const { parent } = workerData as { readonly parent: number }
const everyMs = 500

setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
}, everyMs)
