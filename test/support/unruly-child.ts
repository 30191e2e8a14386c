/** A child of child-processes/pool.ts that misbehaves in every way that a document might cause. */
import { serveTasks, type SendPart } from '../../src/adapters/child-processes/program.ts'

export type UnrulyTask =
  | { readonly does: 'echo'; readonly value: unknown }
  /** Sends this many parts and adds up the answers. */
  | { readonly does: 'parts'; readonly count: number; readonly isNew?: boolean; readonly burnMs?: number }
  | {
      readonly does:
        'loop' | 'buffers' | 'map' | 'array' | 'strings' | 'sleep' | 'throw' | 'exit' | 'later' | 'environment'
    }

type Say = SendPart<number, number>

const misdeeds: Readonly<Record<Exclude<UnrulyTask['does'], 'echo' | 'parts'>, (say: Say) => unknown>> = {
  async loop(say) {
    await say(0)
    for (;;);
  },
  buffers() {
    for (const kept: Buffer[] = []; ;) kept.push(Buffer.alloc(2 ** 20, 1))
  },
  map() {
    for (const map = new Map<number, object>(); ;) map.set(map.size, {})
  },
  array: () => Array.from({ length: 2 ** 27 }, () => 0.5).length,
  strings() {
    for (const kept: string[] = []; ;) kept.push(`${kept.length}`.repeat(1000))
  },
  async sleep(say) {
    await say(0)
    return await new Promise(() => {})
  },
  throw() {
    throw new TypeError('thrown on purpose')
  },
  exit: () => process.exit(7),
  later() {
    setTimeout(() => {
      throw new Error('thrown later on purpose')
    })
    return new Promise(() => {})
  },
  environment: () => ({
    variables: Object.keys(process.env).filter(name => !name.startsWith('NODE_CHANNEL') && name !== 'NODE_UNIQUE_ID'),
    arguments: process.execArgv,
  }),
}

serveTasks<UnrulyTask, number, number, unknown>(async (task, say) => {
  if (task.does === 'echo') return task.value
  if (task.does === 'parts') return await sumOfAnswers(task, say)
  return await misdeeds[task.does](say)
})

async function sumOfAnswers(task: Extract<UnrulyTask, { does: 'parts' }>, say: Say): Promise<number> {
  let sum = 0
  for (let i = 0; i < task.count; i++) {
    burn(task.burnMs ?? 0)
    sum += await say(i, task.isNew)
  }
  return sum
}

/** Uses this much CPU time. */
function burn(ms: number): void {
  const from = process.cpuUsage()
  while (process.cpuUsage(from).user + process.cpuUsage(from).system < ms * 1000);
}
