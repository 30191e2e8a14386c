import { type Command, InvalidArgumentError } from 'commander'
import { sampleTitles, writeAbstention } from '../adapters/postgres/store/abstention.ts'
import { unknownCollection } from '../ask/unknown-collection.ts'
import { readConfig } from '../config/config.ts'
import type { Config } from '../config/terms.ts'
import { openDeps, type Deps } from '../deps.ts'
import { createFaults, objectRows } from '../eval/set-rows.ts'
import {
  askForTuning,
  farQuestionsFor,
  syntheticQuestions,
  tuneThresholds,
  type Tuned,
  type TuningQuestion,
} from '../eval/tune-abstention.ts'
import { createLogger } from '../log.ts'
import { collectionName, wholeNumber } from './arguments.ts'
import type { Host } from './host.ts'
import { interruptible } from './interrupt.ts'
import { print } from './output.ts'
import { createCounter } from './progress.ts'

interface Options {
  readonly collection: string
  readonly lose: number
  readonly sample: number
  readonly questions?: string
  readonly default?: true
}

interface Result extends Partial<Tuned> {
  readonly collection: string
  readonly lose: number
  readonly isJudged: boolean
}

const mostLost = 50

export function addTuneAbstention(tune: Command, host: Host): void {
  tune
    .command('abstention')
    .description('find and store the confidence below which questions of a collection are not answered')
    .option('-c, --collection <name>', 'collection', collectionName, 'default')
    .option('-l, --lose <percent>', `answerable questions that may be refused, 0 to ${mostLost} %`, percent, 5)
    .option(
      '-q, --questions <file>',
      'judged questions, one {"question", "answerable"} per line (default: headings of the documents, and questions of other fields)',
    )
    .option('-n, --sample <count>', 'number of headings to ask', wholeNumber(20, 5000), 200)
    .option('--default', 'remove the threshold: that of the service applies again')
    .action(async (options: Options, command: Command) => {
      const interrupt = interruptible(host, 'stopping; nothing was stored')
      const result = await tuneAbstention(host, options, interrupt.signal).finally(interrupt.release)
      print(host, command, resultJson(result), resultText(result))
    })
}

async function tuneAbstention(host: Host, options: Options, signal: AbortSignal): Promise<Result> {
  const { collection, lose, questions: file } = options
  const judged = file === undefined ? null : await judgedQuestions(file)
  const config = readConfig(host.env)
  const deps = await openDeps(openGates(config), createLogger(openGates(config)), { signal })
  try {
    const tuned = options.default ? null : await measure(judged, { host, deps, options, config, signal })
    const own = tuned && {
      ...tuned.thresholds,
      lose: lose / 100,
      questions: tuned.answerable + tuned.unanswerable,
      isJudged: judged !== null,
    }
    const isStored = await deps.database.lease({ signal, label: 'tune' }, sql => writeAbstention(sql, collection, own))
    if (!isStored) throw unknownCollection(collection)
    await deps.onWritten(collection)
    return { collection, lose, isJudged: judged !== null, ...tuned }
  } finally {
    await deps.close()
  }
}

/** Every question is answered with quotations, whatever the confidence, and no language model is paid for. */
function openGates(config: Config): Config {
  return {
    ...config,
    models: { ...config.models, chat: null },
    ask: { ...config.ask, abstainBelow: 0 },
    log: { ...config.log, level: 'silent' },
  }
}

interface Measuring {
  readonly host: Host
  readonly deps: Deps
  readonly options: Options
  readonly config: Config
  readonly signal: AbortSignal
}

async function measure(
  judged: readonly TuningQuestion[] | null,
  { host, deps, options, config, signal }: Measuring,
): Promise<Tuned> {
  const { collection: name, lose, sample } = options
  const found = await deps.store.collection(name, signal)
  if (!found) throw unknownCollection(name)
  const titles = await deps.database.lease({ signal, label: 'tune' }, sql => sampleTitles(sql, found.id, sample))
  const areOthersJudged = judged?.some(({ isAnswerable }) => !isAnswerable) ?? false
  const questions = judged
    ? [...judged, ...(areOthersJudged ? [] : farQuestionsFor(found.languages))]
    : syntheticQuestions(titles, found.languages)
  rejectTooFew(questions, judged !== null)
  const count = createCounter(host, 'questions')
  const { ask } = deps.cachedAsk
  const asking = { ask, collection: name, timeoutMs: config.ask.timeoutMs, signal }
  const answers = await askForTuning(questions, asking, done => count(name, done, questions.length))
  return tuneThresholds(answers, lose / 100, areOthersJudged)
}

/** With fewer, one question more or less would decide. */
const fewestQuestions = 20

function rejectTooFew(questions: readonly TuningQuestion[], isJudged: boolean): void {
  const answerable = questions.filter(({ isAnswerable }) => isAnswerable).length
  if (answerable >= fewestQuestions) return
  throw new Error(
    isJudged
      ? `the file has ${answerable} answerable questions; at least ${fewestQuestions} are needed to find a threshold`
      : `the documents have ${answerable} headings to ask about, and at least ${fewestQuestions} are needed; write judged questions into a file and name it with --questions`,
  )
}

async function judgedQuestions(file: string): Promise<TuningQuestion[]> {
  const faults = createFaults()
  const questions: TuningQuestion[] = []
  for await (const { line, fields } of objectRows(file, faults)) {
    const { question, answerable } = fields
    if (typeof question === 'string' && question.trim() !== '' && typeof answerable === 'boolean')
      questions.push({ text: question, isAnswerable: answerable })
    else faults.add(file, line, 'needs "question", a text, and "answerable", true or false')
  }
  faults.throwIfAny()
  return questions
}

function percent(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value <= mostLost) return value
  throw new InvalidArgumentError(`Use a number from 0 to ${mostLost}.`)
}

function resultJson({ collection, lose, isJudged, thresholds, answerable, lost, unanswerable, refused }: Result) {
  if (!thresholds) return { collection, threshold: null }
  return {
    collection,
    threshold: thresholds.doubtful,
    model_threshold: thresholds.hopeless,
    lose: lose / 100,
    judged: isJudged,
    answerable,
    lost,
    unanswerable,
    refused,
  }
}

function resultText({ collection, isJudged, thresholds, ...result }: Result): string {
  if (!thresholds) return `${collection}: the threshold was removed; that of the service applies`
  const { answerable = 0, lost = 0, unanswerable = 0, refused = 0 } = result
  const kind = isJudged ? 'judged' : 'made from the documents'
  return [
    `${collection}: stored threshold ${thresholds.doubtful.toFixed(2)} (${thresholds.hopeless.toFixed(2)} before a language model)`,
    `  ${Math.round(lost * answerable)} of ${answerable} answerable questions are refused, ${Math.round(refused * unanswerable)} of ${unanswerable} unanswerable ones (${kind})`,
  ].join('\n')
}
