import { Worker } from 'node:worker_threads'

/**
 * Ends this process when its parent is gone, however the parent ended. The channel's end says so to a process that
 * listens; one in an endless loop does not, and so a thread looks as well. `parent`: its pid, as it said itself.
 */
export function watchParent(parent: number): void {
  process.once('disconnect', () => process.exit())
  const thread = new Worker(new URL('./orphan-thread.ts', import.meta.url), {
    workerData: { parent },
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2, codeRangeSizeMb: 4 },
  })
  thread.unref()
  // Without it a looping orphan would not end; better none at all.
  thread.once('error', () => process.exit(1))
}
