import { fork, type ChildProcess, type Serializable } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { lowerPriority } from './priority.ts'

export interface ChildEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The end of its stderr output, or why it could not be started. */
  readonly stderr: string
}

export interface Child {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined
  readonly ended: Promise<ChildEnd>
  send(message: Serializable): void
  kill(): void
  /** Whether it keeps this process alive. */
  keepAlive(isNeeded: boolean): void
}

export interface ChildProgram {
  readonly program: URL
  /** Limit of V8's heap in MB; beyond it the child aborts. */
  readonly heapMb: number
}

const longestStderr = 4000

/**
 * Starts a program of ours as a process with a message channel. The child inherits nothing: no environment (so no key
 * or password), no Node options, no terminal. Never throws: a child that cannot be started is reported as ended.
 */
export function startChild({ program, heapMb }: ChildProgram, onMessage: (message: unknown) => void): Child {
  let child: ChildProcess
  try {
    child = fork(fileURLToPath(program), [String(process.pid)], {
      execArgv: [`--max-old-space-size=${heapMb}`, '--disable-warning=ExperimentalWarning'],
      serialization: 'advanced',
      env: {},
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
  } catch (error) {
    return {
      pid: undefined,
      ended: Promise.resolve({ code: null, signal: null, stderr: String(error) }),
      send() {},
      kill() {},
      keepAlive() {},
    }
  }
  // At once, so that the threads that it starts, and the time that its start takes, have the low priority too.
  if (child.pid !== undefined) lowerPriority(child.pid)
  let stderr = ''
  const note = (text: string) => void (stderr = (stderr + text).slice(-longestStderr))
  // Without free descriptors there is no pipe either. The failed start is then reported by the 'error' event.
  child.stderr?.setEncoding('utf8').on('data', note)
  // This includes errors of sending to a child that has ended. Its end is reported anyway.
  child.on('error', error => note(error.message))
  child.on('message', onMessage)
  const ended = new Promise<ChildEnd>(resolve => {
    // Not 'exit': the last message may still be in transit then.
    child.once('close', (code, signal) => resolve({ code, signal, stderr }))
    child.once('error', () => child.pid === undefined && resolve({ code: null, signal: null, stderr }))
  })
  return {
    pid: child.pid,
    ended,
    send: message => void (child.connected && child.send(message, () => {})),
    kill: () => void child.kill('SIGKILL'),
    keepAlive: isNeeded => setReferenced(child, isNeeded),
  }
}

function setReferenced(child: ChildProcess, isNeeded: boolean): void {
  const parts = [child, child.channel, child.stderr as unknown as { ref(): void; unref(): void } | null]
  for (const part of parts) part?.[isNeeded ? 'ref' : 'unref']()
}
