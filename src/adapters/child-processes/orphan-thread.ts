/** The thread of orphan-watch.ts. When a parent ends, its children get another parent. */
import { workerData } from 'node:worker_threads'

const { parent } = workerData as { readonly parent: number }
const everyMs = 500

setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
}, everyMs)
