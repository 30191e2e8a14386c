import { forkProgram } from '../support/forked.ts'
import type { Owner } from '../support/server-process.ts'

/**
 * The model server as a process of its own. In the process that asks the honest questions, the vectors of a large upload
 * would hold up the clock that measures them.
 */
export interface ModelProcess {
  /** With `/v1`. */
  readonly url: string
  /** Calls under way now. */
  answering(): Promise<number>
}

export async function startModelProcess(t: Owner): Promise<ModelProcess> {
  const program = new URL('model-program.ts', import.meta.url)
  const { send, said } = forkProgram<{ readonly url?: string; readonly answering?: number }>(t, program)
  const { url = '' } = await said()
  return {
    url,
    async answering() {
      send('answering')
      return (await said()).answering ?? 0
    },
  }
}
