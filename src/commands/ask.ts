import { type Command, InvalidArgumentError, Option } from 'commander'
import { randomUUID } from 'node:crypto'
import type { Ask, Explanation, Run, StageName } from '../ask/terms/run.ts'
import { readConfig } from '../config/config.ts'
import type { Config } from '../config/terms.ts'
import { checkModels, openDeps } from '../deps.ts'
import { toTenth } from '../http/asking/run.ts'
import { lastAnswer } from '../http/replies/json.ts'
import { answerJson, questionOf, type AnswerJson } from '../http/replies/wire.ts'
import { createLogger } from '../log.ts'
import { collectionName, languageCode, wholeNumber } from './arguments.ts'
import { answerText } from './ask-words.ts'
import type { Host } from './host.ts'
import { interruptible } from './interrupt.ts'
import { print } from './output.ts'

interface Options {
  readonly collection: string
  readonly language?: string
  readonly mode: 'fast' | 'smart' | 'auto'
  readonly topK?: number
  readonly explain?: boolean
  /** False with `--no-cache`. */
  readonly cache: boolean
}

export function addAsk(program: Command, host: Host): void {
  program
    .command('ask')
    .description('answer one question, as POST /ask does')
    .argument('<question>', 'the question, quoted', questionText)
    .option('-c, --collection <name>', 'collection to search', collectionName, 'default')
    .option('-l, --language <xx>', 'language of the question (default: detected)', languageCode)
    .addOption(
      new Option('-m, --mode <mode>', 'fast: one search without reranking; smart and auto may rerank and rewrite')
        .choices(['fast', 'smart', 'auto'])
        .default('auto'),
    )
    .option('-k, --top-k <n>', 'passages to search for (default: 5)', wholeNumber(1, 20))
    .option('--explain', 'show why: the passages with their scores and ranks, the relevance, the cache and the times')
    .option('--no-cache', 'compute a fresh answer and cache it')
    .action(async (question: string, options: Options, command: Command) => {
      const answer = await ask(host, question, options)
      print(host, command, answer, answerText(answer))
    })
}

function questionText(text: string): string {
  if (text.trim() !== '' && text.length <= 4000) return text
  throw new InvalidArgumentError('Use 1 to 4000 characters that are not all blank.')
}

/** Opens the service without its HTTP edge and asks one question. Nothing is logged: the answer says what it lacks. */
export async function ask(host: Host, text: string, options: Partial<Options> = {}): Promise<AnswerJson> {
  const given = readConfig(host.env)
  const config: Config = { ...given, log: { ...given.log, level: 'silent' } }
  const log = createLogger(config)
  const { signal, release } = interruptible(host, 'stopping')
  try {
    const deps = await openDeps(config, log, { signal })
    try {
      await checkModels(deps.store, deps.models.embedder.model)
      const deadline = performance.now() + config.ask.timeoutMs
      return await answerFrom(deps.cachedAsk.ask, text, options, { signal, log, deadline })
    } finally {
      await deps.close()
    }
  } finally {
    release()
  }
}

async function answerFrom(
  askService: Ask,
  text: string,
  { collection = 'default', language, mode = 'auto', topK, explain = false, cache = true }: Partial<Options>,
  context: Pick<Run, 'signal' | 'log' | 'deadline'>,
): Promise<AnswerJson> {
  const startedAt = performance.now()
  const timings: Partial<Record<StageName | 'total', number>> = {}
  const explanation: Partial<Explanation> | undefined = explain ? {} : undefined
  const run: Run = {
    ...context,
    id: randomUUID(),
    isStreamed: false,
    payer: { collection },
    cacheDirectives: { noCache: !cache },
    onStage: (name, ms) => void (timings[name] = toTenth((timings[name] ?? 0) + ms)),
    ...(explanation && { explain: part => void Object.assign(explanation, part) }),
  }
  const question = questionOf({
    question: text,
    collection,
    mode,
    ...(language !== undefined && { language }),
    ...(topK !== undefined && { top_k: topK }),
  })
  const answer = await lastAnswer(askService(question, run))
  timings.total = toTenth(performance.now() - startedAt)
  return answerJson(answer, { id: run.id, include: [], timings, explanation })
}
