import type { Outcome, Run, StageName } from '../../src/ask/terms/run.ts'

export interface Ended {
  readonly name: StageName
  readonly outcome: Outcome
}

export interface TestRun extends Run {
  /** Stages that ended, in order. */
  readonly ended: readonly Ended[]
  abort(reason?: unknown): void
}

/** A run for tests of stages, with a deadline in a minute, a silent log and a record of the stages that ended. */
export function runOf(options: { deadline?: number; isStreamed?: boolean } = {}): TestRun {
  const controller = new AbortController()
  const ended: Ended[] = []
  const quiet = () => {}
  return {
    id: 'test',
    signal: controller.signal,
    deadline: options.deadline ?? performance.now() + 60_000,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    isStreamed: options.isStreamed ?? false,
    onStage: (name, _, outcome) => void ended.push({ name, outcome }),
    ended,
    abort: reason => controller.abort(reason),
  }
}
