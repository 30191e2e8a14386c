import { fork, type Serializable } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Owner } from './server-process.ts'

export interface Forked<Message> {
  send(message: Serializable): void
  /** The next message; rejects if the process ends instead. */
  said(): Promise<Message>
}

/** A program of ours as a process of its own, killed with the test. */
export function forkProgram<Message>(t: Pick<Owner, 'teardown'>, program: URL, args: string[] = []): Forked<Message> {
  const child = fork(fileURLToPath(program), args, { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const ended = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    send: message => void child.send(message),
    async said() {
      const [message] = await Promise.race([
        once(child, 'message'),
        ended.then(([code]) => Promise.reject(new Error(`${program.pathname.split('/').at(-1)} ended with ${code}`))),
      ])
      return message as Message
    },
  }
}
