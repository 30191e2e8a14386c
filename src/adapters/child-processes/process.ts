import { fork, type ChildProcess, type Serializable } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** How a child ended. */
export interface ChildEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The end of what it wrote to stderr, or why it could not be started. */
  readonly words: string
}

export interface Child {
  /** Undefined: it could not be started. */
  readonly pid: number | undefined
  readonly ended: Promise<ChildEnd>
  send(message: Serializable): void
  kill(): void
  /** Whether it keeps this process from ending. */
  hold(isHeld: boolean): void
}

export interface ChildProgram {
  readonly program: URL
  /** V8's bound on the heap; beyond it the child ends itself. */
  readonly heapMb: number
}

const longestWords = 4000

/**
 * Starts a program of ours as a process that can be talked to. It inherits nothing: no environment (and so no key or
 * password), no options of Node, no terminal. Never throws: what cannot be started has ended.
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
      ended: Promise.resolve({ code: null, signal: null, words: String(error) }),
      send() {},
      kill() {},
      hold() {},
    }
  }
  let words = ''
  const note = (text: string) => void (words = (words + text).slice(-longestWords))
  // Without descriptors there is no pipe either; that it could not be started is told as its error.
  child.stderr?.setEncoding('utf8').on('data', note)
  // Of sending to one that has ended: its end is told anyway.
  child.on('error', error => note(error.message))
  child.on('message', onMessage)
  const ended = new Promise<ChildEnd>(resolve => {
    // Not 'exit': its last message may still be on the way then.
    child.once('close', (code, signal) => resolve({ code, signal, words }))
    child.once('error', () => child.pid === undefined && resolve({ code: null, signal: null, words }))
  })
  return {
    pid: child.pid,
    ended,
    send: message => void (child.connected && child.send(message, () => {})),
    kill: () => void child.kill('SIGKILL'),
    hold: isHeld => setHeld(child, isHeld),
  }
}

function setHeld(child: ChildProcess, isHeld: boolean): void {
  const parts = [child, child.channel, child.stderr as unknown as { ref(): void; unref(): void } | null]
  for (const part of parts) part?.[isHeld ? 'ref' : 'unref']()
}
