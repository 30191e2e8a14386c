import { Worker } from 'node:worker_threads'

/**
 * Ends this process when its parent is gone, however the parent ended. The closed channel shows it, but not to a
 * process in an endless loop, so a thread checks as well. `parent` is the pid that the parent passed.
 */
export function watchParent(parent: number): void {
  process.once('disconnect', () => process.exit())
  const thread = new Worker(new URL('./orphan-thread.ts', import.meta.url), {
    workerData: { parent },
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2, codeRangeSizeMb: 4 },
  })
  thread.unref()
  // Without the thread a looping orphan would never end. It is better to have no child at all.
  thread.once('error', () => process.exit(1))
}
