import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'

/** Resources that a process has used so far. */
export interface ProcessUsage {
  /** CPU time of all its threads, in milliseconds. Wall time varies threefold on a busy machine; CPU time does not. */
  readonly cpuMs: number
  /** Resident memory, in bytes: the heap and everything outside it. */
  readonly rssBytes: number
}

/** Ticks of `/proc` per second: USER_HZ, which is the same on every machine that Node runs on. */
const ticksPerSecond = 100

/**
 * Usage of a process of ours, or null if it does not exist. Read from `/proc`, or from `ps` where there is no `/proc`
 * (macOS).
 */
export async function processUsage(pid: number): Promise<ProcessUsage | null> {
  return (await usageFromProc(pid)) ?? (hasProc ? null : await usageFromPs(pid))
}

const hasProc = process.platform === 'linux'

/** Sampling interval: reading `/proc` takes some 50 µs, `ps` is a process of its own. */
export const usageEveryMs = hasProc ? 50 : 1000

async function usageFromProc(pid: number): Promise<ProcessUsage | null> {
  try {
    const [stat, status] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/status`, 'utf8'),
    ])
    return parseProc(stat, status)
  } catch {
    return null
  }
}

/** `stat` has times in ticks; `status` has memory in kB, independent of the page size. A zombie has no memory. */
function parseProc(stat: string, status: string): ProcessUsage | null {
  // The name may contain spaces and brackets. The numbers start after its last bracket, with the third field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? '0'
  return Number.isFinite(ticks) ? { cpuMs: (ticks * 1000) / ticksPerSecond, rssBytes: Number(kilobytes) * 1024 } : null
}

export async function usageFromPs(pid: number): Promise<ProcessUsage | null> {
  const { promise, resolve } = Promise.withResolvers<string>()
  execFile('ps', ['-o', 'rss=,time=', '-p', String(pid)], (error, stdout) => resolve(error ? '' : stdout))
  return parsePs(await promise)
}

/** Parses `  51234 1-02:03:04` or `  51234   2:03.45`: kB, then days, hours, minutes and seconds. */
function parsePs(line: string): ProcessUsage | null {
  const found = /^\s*(\d+)\s+(?:(\d+)-)?([\d:.]+)\s*$/.exec(line)
  if (found === null) return null
  const seconds =
    found[3]!.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) + Number(found[2] ?? 0) * 86_400
  return { cpuMs: seconds * 1000, rssBytes: Number(found[1]) * 1024 }
}
