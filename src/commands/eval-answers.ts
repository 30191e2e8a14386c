import { updateStatistics } from './optimize-tables.ts'
import { bytesOf, findFiles, type FileOrFault } from '../ingest/find-files.ts'
import { keptCollection, loadableOf, withCollection, type Loadable } from '../eval/collection.ts'
import { askAll, measured, type AnswersMeasured, type AskOne } from '../eval/answers/measure.ts'
import { readAnswerSet } from '../eval/answers/read-set.ts'
import type { AnswerQuestion, AnswerSet, Asked } from '../eval/answers/terms.ts'
import { sample } from '../eval/sample.ts'
import type { Config } from '../config/terms.ts'
import { openDeps, type Deps } from '../deps.ts'
import { calibrate } from '../wiring/calibrate.ts'
import { createLogger } from '../log.ts'
import { askHere, askThere } from './eval-ask.ts'
import { checkJudge, judgeAnswers, type Judgement } from './eval-judge.ts'
import type { Host } from './host.ts'
import { createCounter, createProgress } from './progress.ts'

export interface AnswersOptions {
  readonly language: 'given' | 'detect'
  readonly keep?: boolean
  /** At most this many questions per kind and language of each set. */
  readonly sample?: number
  readonly seed: number
  /** A running service to ask instead of this process. */
  readonly url?: string
  /** Its collection for a set; `{set}` is the set's name. */
  readonly collection?: string
  /** Let a model judge the answers. */
  readonly judge?: boolean
}

export interface AnswersEvaluation {
  readonly host: Host
  readonly config: Config
  readonly options: AnswersOptions
  readonly signal: AbortSignal
}

/** What was asked of which set, in order. */
export interface AnsweredSet {
  readonly set: AnswerSet
  readonly asked: readonly Asked[]
}

export interface AnswersReport {
  /** The embedding model; null when another process was asked. */
  readonly model: string | null
  readonly answered: readonly AnsweredSet[]
  readonly sets: readonly AnswersMeasured[]
  /** Null without `--judge`. */
  readonly judgement: Judgement | null
}

/** Reads the sets, asks their questions and measures the answers. */
export async function evaluateAnswers(
  folders: readonly string[],
  evaluation: AnswersEvaluation,
): Promise<AnswersReport> {
  const { options } = evaluation
  if (options.judge) checkJudge(evaluation.config)
  const sets = (await Promise.all(folders.map(readAnswerSet))).map(set => sampled(set, options))
  const duplicate = sets.find((set, i) => sets.findIndex(other => other.name === set.name) < i)
  if (duplicate) throw new Error(`two sets are named "${duplicate.name}"; rename one of the folders`)
  const { model, answered } =
    options.url === undefined ? await askInProcess(sets, evaluation) : await askService(sets, options.url, evaluation)
  const judgement = options.judge ? await judgeAnswers(answered, evaluation) : null
  return { model, answered, sets: measuredSets(answered), judgement }
}

/** Small corpora are too small for a curve each, so they are also measured together. */
function measuredSets(answered: readonly AnsweredSet[]): AnswersMeasured[] {
  const parts = answered.flatMap(({ set, asked }) =>
    [...Map.groupBy(asked, ({ question }) => question.variant)].map(([variant, part]) => ({
      name: variant === null ? set.name : `${set.name}/${variant}`,
      form: set.form,
      variant,
      asked: part,
    })),
  )
  const together = [
    ...Map.groupBy(
      parts.filter(({ form }) => form === 'small'),
      ({ variant }) => variant,
    ),
  ].filter(([, small]) => small.length > 1)
  return [
    ...parts.map(({ name, form, asked }) => measured({ name, form }, asked)),
    ...together.map(([variant, small]) =>
      measured(
        { name: variant === null ? 'small corpora' : `small corpora/${variant}`, form: 'small' },
        small.flatMap(({ asked }) => asked),
      ),
    ),
  ]
}

function sampled(set: AnswerSet, { sample: size, seed }: AnswersOptions): AnswerSet {
  if (size === undefined) return set
  const stratumOf = ({ kind, language }: AnswerQuestion) => JSON.stringify([kind, language])
  return { ...set, questions: sample(set.questions, stratumOf, { size, seed }) }
}

type Answered = Pick<AnswersReport, 'model' | 'answered'>

async function askInProcess(sets: readonly AnswerSet[], evaluation: AnswersEvaluation): Promise<Answered> {
  const config = configOf(evaluation)
  const deps = await openDeps(config, createLogger(config), { signal: evaluation.signal })
  try {
    const answered: AnsweredSet[] = []
    for (const set of sets) answered.push({ set, asked: await askSet(set, deps, { ...evaluation, config }) })
    return { model: deps.models.embedder.model, answered }
  } finally {
    await deps.close()
  }
}

/** In memory unless DATABASE_URL is set or the collection is kept. Caches are off: each answer is computed. */
function configOf({ config, options: { keep = false } }: AnswersEvaluation): Config {
  const inMemory = config.database.url === undefined && !keep
  return {
    ...config,
    database: inMemory ? { ...config.database, dataDir: undefined } : config.database,
    redis: undefined,
    cache: { ...config.cache, embeddingBytes: 0, semantic: { ...config.cache.semantic, mode: 'off' } },
    log: { ...config.log, level: 'silent' },
  }
}

async function askSet(set: AnswerSet, deps: Deps, evaluation: AnswersEvaluation): Promise<Asked[]> {
  const { host, config, options, signal } = evaluation
  const { loadable, progress } = await loadableFor(set, deps, evaluation)
  const settle = async (until: AbortSignal) => await updateStatistics(host, deps.database, until)
  const loading = { store: deps.store, embedder: deps.models.embedder, signal, onProgress: progress.report, settle }
  return await withCollection(loadable, options.keep ?? false, loading, async collection => {
    progress.end()
    if (config.calibration) await calibrate(collection, { ...deps, embedder: deps.models.embedder }, { signal })
    await deps.onWritten(collection)
    const open = deps.pipelineWith({ abstainBelow: 0 })
    try {
      const askOne = askHere({
        ask: deps.cachedAsk.ask,
        open: open.cachedAsk.ask,
        collection,
        language: options.language,
        timeoutMs: config.ask.timeoutMs,
        signal,
        log: createLogger(config),
      })
      return await askQuestions(set, askOne, evaluation, host)
    } finally {
      await open.cachedAsk.close()
    }
  })
}

async function loadableFor(
  { name, corpus }: AnswerSet,
  { models, preparing }: Deps,
  { host, signal }: AnswersEvaluation,
) {
  const { embedder } = models
  if ('documents' in corpus) {
    const progress = createProgress(
      host,
      corpus.documents.reduce((sum, document) => sum + document.text.length, 0),
    )
    return { loadable: loadableOf({ name, documents: corpus.documents }, embedder, progress.bytes), progress }
  }
  const found = (await findFiles([corpus.files])).map(file => sourceIn(name, file))
  const progress = createProgress(host, bytesOf(found))
  const loadable: Loadable = {
    name,
    documentCount: null,
    outcomes: (sort, collection) =>
      preparing.files(embedder, found, { sort, collection, signal, onBytes: progress.bytes }),
  }
  return { loadable, progress }
}

/** Named as if loaded from the folder above the set, whatever the machine. */
function sourceIn(set: string, file: FileOrFault): FileOrFault {
  if ('fault' in file) throw new Error(`${file.fault.path}: ${file.fault.reason}`)
  return { ...file, source: `${set}/${file.source}` }
}

async function askService(sets: readonly AnswerSet[], url: string, evaluation: AnswersEvaluation): Promise<Answered> {
  const { host, config, options, signal } = evaluation
  const answered: AnsweredSet[] = []
  for (const set of sets) {
    const collection = options.collection?.replaceAll('{set}', set.name) ?? keptCollection(set.name)
    const askOne = askThere({ url, key: config.evaluation.apiKey, collection, language: options.language, signal })
    answered.push({ set, asked: await askQuestions(set, askOne, evaluation, host) })
  }
  return { model: null, answered }
}

async function askQuestions(
  { name, questions }: AnswerSet,
  askOne: AskOne,
  { signal }: AnswersEvaluation,
  host: Host,
): Promise<Asked[]> {
  const count = createCounter(host, 'questions')
  return await askAll(questions, { askOne, signal, onAsked: (done, total) => count(name, done, total) })
}
