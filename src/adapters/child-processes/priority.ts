import { constants, setPriority } from 'node:os'

/**
 * Gives a process the least CPU weight there is: when all cores are busy, questions go before uploads. On Linux this is
 * a property of each thread, which the threads that it starts inherit; so `id` may be a thread's too, and a process must
 * be lowered before it has started others (collecting garbage takes as much CPU time as the work).
 */
export function lowerPriority(id: number): void {
  try {
    setPriority(id, constants.priority.PRIORITY_LOW)
  } catch {
    // not permitted, or it has ended: keep the priority
  }
}
