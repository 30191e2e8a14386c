import { until } from '../../test/support/until.ts'
import type { Program } from '../cache/program.ts'

/** Loaded before the service: says on a signal how much it holds when it has thrown away what it can. */
const weigh = `process.on('SIGUSR2',()=>{gc();gc();const m=process.memoryUsage();console.log('weighed '+m.heapUsed+' '+m.external+' '+m.rss)})`

/** Flags for Node of a process that can be weighed. */
export const weighable = ['--expose-gc', `--import=data:text/javascript,${encodeURIComponent(weigh)}`]

/** In MB. */
export interface Weight {
  readonly heap: number
  readonly external: number
  readonly rss: number
}

export async function weighed(program: Program): Promise<Weight> {
  const before = program.output().split('weighed').length
  process.kill(program.pid, 'SIGUSR2')
  await until('it is weighed', () => program.output().split('weighed').length > before)
  const [heap = 0, external = 0, rss = 0] = program
    .output()
    .split('weighed ')
    .at(-1)!
    .split('\n')[0]!
    .split(' ')
    .map(bytes => Number(bytes) / 2 ** 20)
  return { heap, external, rss }
}

/** Says on a signal what the process holds, without a collection of garbage: what an operator sees. */
const tell = `process.on('SIGUSR2',()=>console.log('holds '+JSON.stringify(process.memoryUsage())))`

/** Flags for Node of a process whose memory can be read. */
export const readable = [`--import=data:text/javascript,${encodeURIComponent(tell)}`]

/** In bytes. */
export interface Memory {
  readonly rss: number
  readonly heapUsed: number
  readonly heapTotal: number
  readonly external: number
  readonly arrayBuffers: number
}

export async function memoryOf(program: Program): Promise<Memory> {
  const before = program.output().split('holds {').length
  process.kill(program.pid, 'SIGUSR2')
  await until('it says what it holds', () => program.output().split('holds {').length > before)
  return JSON.parse(`{${program.output().split('holds {').at(-1)!.split('\n')[0]}`) as Memory
}
