import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { json, text } from 'node:stream/consumers'
import { otherCores, pinned } from '../cache/program.ts'

/** Runs a program that takes a job as JSON on its input and gives its result as JSON, on the cores that are not measured. */
export async function work<Result>(program: string, job: unknown): Promise<Result> {
  const [command, ...all] = pinned(otherCores, [process.execPath, program])
  const child = spawn(command!, all, { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(JSON.stringify(job))
  const [out, complaint] = await Promise.all([
    json(child.stdout).catch(() => undefined),
    text(child.stderr),
    once(child, 'close'),
  ])
  if (out === undefined) throw new Error(`${program} failed: ${complaint.slice(0, 2000)}`)
  return out as Result
}
