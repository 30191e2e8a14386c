/** A child of child-processes/pool.ts that misbehaves in every way that a document might cause. */
import { serveTasks } from '../../src/adapters/child-processes/program.ts'

export type UnrulyTask =
  | { readonly does: 'echo'; readonly value: unknown }
  /** Sends this many parts and adds up the answers. */
  | { readonly does: 'parts'; readonly count: number; readonly isNew?: boolean; readonly burnMs?: number }
  | {
      readonly does:
        'loop' | 'buffers' | 'map' | 'array' | 'strings' | 'sleep' | 'throw' | 'exit' | 'later' | 'environment'
    }

serveTasks<UnrulyTask, number, number, unknown>(async (task, say) => {
  switch (task.does) {
    case 'echo':
      return task.value
    case 'parts': {
      let sum = 0
      for (let i = 0; i < task.count; i++) {
        burn(task.burnMs ?? 0)
        sum += await say(i, task.isNew)
      }
      return sum
    }
    case 'loop':
      await say(0)
      for (;;);
    case 'buffers':
      for (const kept: Buffer[] = []; ;) kept.push(Buffer.alloc(2 ** 20, 1))
    case 'map':
      for (const map = new Map<number, object>(); ;) map.set(map.size, {})
    case 'array':
      return Array.from({ length: 2 ** 27 }, () => 0.5).length
    case 'strings':
      for (const kept: string[] = []; ;) kept.push(`${kept.length}`.repeat(1000))
    case 'sleep':
      await say(0)
      return await new Promise(() => {})
    case 'throw':
      throw new TypeError('thrown on purpose')
    case 'exit':
      process.exit(7)
    case 'later':
      setTimeout(() => {
        throw new Error('thrown later on purpose')
      })
      return await new Promise(() => {})
    case 'environment':
      return {
        variables: Object.keys(process.env).filter(
          name => !name.startsWith('NODE_CHANNEL') && name !== 'NODE_UNIQUE_ID',
        ),
        arguments: process.execArgv,
      }
  }
})

/** Uses this much CPU time. */
function burn(ms: number): void {
  const from = process.cpuUsage()
  while (process.cpuUsage(from).user + process.cpuUsage(from).system < ms * 1000);
}
