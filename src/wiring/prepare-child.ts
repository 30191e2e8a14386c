/** Entry point of the processes that prepare documents (prepare-pool.ts). */
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/askwell', import.meta.url)))
const { serveTasks } = await import('../adapters/child-processes/program.ts')
const { openCounting } = await import('../adapters/models/token-counting.ts')
const { prepareTask } = await import('../ingest/prepare-task.ts')

type Task = import('../ingest/prepare-task.ts').PrepareTask
type Result = import('../ingest/prepare-task.ts').PrepareResult
type Part = import('../ingest/pieces.ts').Part
type Answer = import('../ingest/pieces.ts').Answer

const counters = new Map<string, Promise<(text: string) => number>>()

serveTasks<Task, Part, Answer, Result>(async (task, send) => {
  const { counting } = task.model
  const name = JSON.stringify(counting)
  const counter = counters.get(name) ?? openCounting(counting)
  counters.set(name, counter)
  return await prepareTask(task, await counter, send)
})
