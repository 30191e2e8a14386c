import underPressure, { TYPE_HEAP_USED_BYTES } from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'
import { getHeapStatistics } from 'node:v8'
import { AskError } from '../errors.ts'

export interface PressureOptions {
  /** 0: never refused for it. */
  readonly maxEventLoopDelayMs: number
  /** Of the heap that V8 may have, 0…1; 0: never refused for it. */
  readonly maxHeapShare: number
  /** Told of each refusal, by what there was too much of. */
  readonly onRefused?: (by: 'loop' | 'heap') => void
}

const sampleMs = 250

/** For a route that must answer whatever the state of the process. */
export const underAnyPressure = { pressureHandler: () => {} } as const

/**
 * The outer guard: where the process itself cannot keep up, every request is refused before any work. The inner one,
 * which knows what questions cost, is ask/admission.ts.
 */
export async function registerPressure(app: FastifyInstance, { maxEventLoopDelayMs, maxHeapShare, onRefused }: PressureOptions): Promise<void> {
  await app.register(underPressure, {
    sampleInterval: sampleMs,
    maxEventLoopDelay: maxEventLoopDelayMs,
    maxHeapUsedBytes: maxHeapShare * getHeapStatistics().heap_size_limit,
    pressureHandler: createPressureHandler(() => performance.now(), onRefused),
  })
}

/**
 * Called for each request while the last sample was too high; throws to refuse. A loop that was blocked once is free
 * again when it can say so: only a second sample in a row counts. Of memory each sample lets one request pass, for
 * without work V8 would not collect what is garbage by now.
 */
export function createPressureHandler(now: () => number, onRefused: PressureOptions['onRefused'] = () => {}) {
  let last = { type: '', value: NaN, at: -Infinity, inRow: 0 }

  return (_request: unknown, _reply: unknown, type: string, value = 0): void => {
    const at = now()
    const isNew = type !== last.type || value !== last.value
    const inRow = isNew ? (follows(type, value, at) ? last.inRow + 1 : 1) : last.inRow
    last = { type, value, at, inRow }
    if (type === TYPE_HEAP_USED_BYTES ? isNew : inRow < 2) return
    onRefused(type === TYPE_HEAP_USED_BYTES ? 'heap' : 'loop')
    const what = type === TYPE_HEAP_USED_BYTES ? 'memory is nearly used up' : 'the process cannot keep up'
    throw new AskError('overloaded', { detail: `${what}; try again later` })
  }

  /** Nothing but one sample was between this and the last time. A sample may be as late as the loop is. */
  function follows(type: string, value: number, at: number): boolean {
    return type === last.type && at - last.at <= 2 * sampleMs + value + last.value
  }
}
