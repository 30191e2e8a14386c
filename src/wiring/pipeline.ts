import { trace } from '@opentelemetry/api'
import { hash } from 'node:crypto'
import { getHeapStatistics } from 'node:v8'
import type { Logger } from 'pino'
import { type CollectionStore } from '../adapters/postgres/store/collections.ts'
import { type Database } from '../adapters/postgres/database.ts'
import { type Models } from '../adapters/models/models.ts'
import { meterSaves } from '../adapters/models/metered.ts'
import { createSimilarQuestions } from '../adapters/postgres/store/similar-questions.ts'
import { knownTermsIn } from '../adapters/postgres/store/vocabulary.ts'
import { createPassageStore } from '../adapters/postgres/store/passages.ts'
import { type Bm25 } from '../adapters/postgres/store/textsearch.ts'
import { createGate } from '../ask/abstention/gate.ts'
import { learned } from '../ask/abstention/learned.ts'
import { createAdmission, type Admission } from '../ask/admission.ts'
import type { SelectSteps } from '../ask/retrieval/select.ts'
import { embedWith, type Embedded } from '../ask/retrieval/embed.ts'
import type { ChatModel } from '../ask/generation/chat.ts'
import { type Budgets } from '../ask/generation/budgets.ts'
import { extractFrom } from '../ask/generation/extractive.ts'
import { answerWith } from '../ask/generation/generate.ts'
import { fillLeaseFrom } from '../ask/cache/lease.ts'
import { type CollectionSnapshots } from '../ask/cache/collection-snapshot.ts'
import { cacheCompletions } from '../ask/cache/completion-cache.ts'
import { pack } from '../ask/generation/pack.ts'
import { createPipeline } from '../ask/pipeline.ts'
import { promptRoom } from '../ask/generation/prompt-room.ts'
import { promptVersion } from '../ask/generation/prompt.ts'
import { createCachedAsk, type CachedAsk } from '../ask/cache/cached-ask.ts'
import { searchIn } from '../ask/retrieval/retrieve.ts'
import { rerankWith } from '../ask/retrieval/rerank.ts'
import { rewriteWith } from '../ask/retrieval/rewrite.ts'
import { searchWith, type SearchPassages } from '../ask/search.ts'
import { createSemanticCache, type SemanticCache } from '../ask/cache/semantic/semantic-cache.ts'
import { semanticAnswersFrom } from '../ask/cache/semantic/semantic-answers.ts'
import { withSmallTalk } from '../ask/smalltalk/answer.ts'
import { createStages, remotely, type Stage, type Stages } from '../ask/stage.ts'
import type { Embedder } from '../ask/retrieval/embedder.ts'
import type { Collection } from '../ingest/terms.ts'
import type { AskedCollection } from '../ask/terms/collection.ts'
import type { Passage } from '../ask/terms/passage.ts'
import type { AnalyzedQuestion } from '../ask/terms/question.ts'
import type { AskWithin, Run } from '../ask/terms/run.ts'
import { groundingVersion } from '../ask/grounding/ground.ts'
import { claimCheckers, rerankingCheckers } from '../ask/grounding/checkers.ts'
import type { Grounding } from '../ask/grounding/session.ts'
import { rescaled, similarityRange, vectorWeight } from '../ask/retrieval/weights.ts'
import { type Caches } from './caches.ts'
import { type Guarded } from './guards.ts'
import type { Events } from '../events.ts'
import { createLimiter, type LimiterStatus } from '../resilience/limiter.ts'
import { version } from '../version.ts'
import type { Config } from '../config/terms.ts'

export interface PipelineParts {
  readonly config: Config
  readonly database: Database
  readonly reads: Guarded['reads']
  readonly reranker: Guarded['reranker']
  readonly bm25: Bm25
  readonly snapshots: CollectionSnapshots
  readonly caches: Caches
  readonly models: Models
  /** Checks claims; null without one. */
  readonly claimModel: ChatModel | null
  readonly events: Events
  readonly admission: Admission
  readonly budgets: Pick<Budgets, 'isKeyUsedUp'>
  readonly promptTokensWithin: Guarded['promptTokensWithin']
  readonly log: Logger
}

export interface AskPipeline {
  readonly cachedAsk: CachedAsk
  /** Null when switched off. */
  readonly semanticCache: SemanticCache | null
  readonly search: SearchPassages
}

export interface LimitedAdmission {
  readonly admission: Admission
  readonly limiter: () => LimiterStatus
}

/** Maximum time per stage; the request's own deadline is usually shorter. */
const budgetMs = { remember: 2000, understand: 8000, embed: 5000, retrieve: 10_000, extract: 2000 } as const

/** The least time withheld from the model, so that after a timeout there is time to quote from the passages. */
const reserveMs = 200

/** Assembles the running pipeline: caching and loading collections wrap it, they are not branches inside it. */
export function createAskPipeline(parts: PipelineParts): AskPipeline {
  const stages = createStages({ tracer: trace.getTracer('askwell', version), events: parts.events })
  const steps = stepsOf(parts, stages)
  const find = stages.stage(
    'remember',
    budgetMs.remember,
    async (name: string, run) => await parts.snapshots.require(name, run.signal),
  )
  const semanticCache = semanticCacheOf(parts, steps.embed)
  return {
    cachedAsk: cachedAskOver(withSmallTalk(createPipeline(steps)), semanticCache, parts, stages),
    semanticCache,
    search: searchWith(steps, find),
  }
}

function semanticCacheOf(
  { config: { cache }, database, models, events, log }: PipelineParts,
  embed: Stage<AnalyzedQuestion, Embedded>,
): SemanticCache | null {
  const { mode, acceptedError } = cache.semantic
  if (mode === 'off') return null
  return createSemanticCache({
    store: meterSaves(createSimilarQuestions(database), events),
    embed,
    model: models.embedder.model,
    mode,
    acceptedError,
    log,
  })
}

function cachedAskOver(
  compute: AskWithin,
  semanticCache: SemanticCache | null,
  { config, snapshots, caches, models, reranker, events, log, admission, budgets }: PipelineParts,
  { stage }: Stages,
): CachedAsk {
  const { timeoutMs } = config.ask
  return createCachedAsk({
    steps: {
      freshCollection: snapshots.fresh,
      lastKnownCollection: snapshots.lastKnown,
      getCollection: stage('remember', budgetMs.remember, async (name, run) => await snapshots.get(name, run.signal)),
      requireCollection: stage(
        'remember',
        budgetMs.remember,
        async (name, run) => await snapshots.require(name, run.signal),
      ),
      getShared: caches.getShared,
      fillLease: caches.shared && stage('remember', timeoutMs, fillLeaseFrom(caches.shared)),
      semantic: semanticCache && semanticAnswersFrom(semanticCache, caches.answers, events, Date.now),
      admission,
      isKeyUsedUp: budgets.isKeyUsedUp,
      compute,
    },
    answers: caches.answers,
    configHash: configHashOf(config, models, reranker),
    events,
    staleSeconds: config.cache.keep.staleSeconds,
    background: { log, timeoutMs },
  })
}

/**
 * The initial limit is what the pool can serve, and more than a small pool: a run needs no connection while its model
 * writes.
 */
export function admissionOf(
  { admission, database: { poolSize, poolMaxOverflow } }: Config,
  { hasModel, events }: { readonly hasModel: boolean; readonly events: Events },
): LimitedAdmission {
  const limiter = createLimiter({
    ...admission,
    initial: Math.max(20, poolSize + poolMaxOverflow),
    maxPresent: runsInMemory(),
  })
  const { record } = createStages({ tracer: trace.getTracer('askwell', version), events })
  return {
    admission: createAdmission({ limiter, hasModel, events, record }),
    limiter: limiter.status,
  }
}

/** Share of the heap for runs that work, or wait for their model. */
const runsHeapShare = 0.25
/** What a run holds at most: candidates of its search, the passages of its answer, and their texts. */
const bytesPerRun = 256 * 1024

function runsInMemory(): number {
  return Math.max(100, Math.floor((getHeapStatistics().heap_size_limit * runsHeapShare) / bytesPerRun))
}

/** Short, since it is part of every key. */
function digest(parts: readonly unknown[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url')
}

/** Hash of what changes answers and is equal for all questions. */
function configHashOf(
  { ask, models: named, rerank, grounding }: Config,
  { embedder }: Models,
  reranker: Guarded['reranker'],
): string {
  return digest([
    version,
    promptVersion,
    learned.version,
    embedder.model,
    named.baseUrl,
    named.chat,
    ask,
    grounding && [groundingVersion, grounding.strictness, grounding.model?.baseUrl, grounding.model?.model],
    rerank && reranker && [rerank.url, reranker.model, rerank.candidates, rerank.readsUnits],
  ])
}

function stepsOf(parts: PipelineParts, stages: Stages) {
  const { config, reads, reranker, bm25, models, events, caches, promptTokensWithin } = parts
  const { embedder, chat } = models
  const { stage, streamStage } = stages
  const rewrites = chat ? rewriteWith(chat) : null
  const embed = stage('embed', budgetMs.embed, embedWith(embedder, caches.vectors(embedder)))
  return {
    embed: models.isEmbedderRemote ? remotely(embed) : embed,
    retrieve: stage(
      'retrieve',
      budgetMs.retrieve,
      searchIn(
        createPassageStore(reads, bm25),
        (language, { calibration }) => similarityRange(embedder, language, calibration),
        config.ask,
      ),
    ),
    knownTerms: stage('retrieve', budgetMs.retrieve, knownTermsIn(reads)),
    rerank: rerankStep(config, reranker, stages),
    pack: (passages: readonly Passage[], question: string, { deadline }: Pick<Run, 'deadline'>) =>
      pack(passages, {
        maxTokens: promptRoom(config.ask.promptTokens, deadline - performance.now(), promptTokensWithin),
        question,
        onCut: () => events.budgetExceeded('tokens'),
      }),
    ground: groundingOf(parts, stages),
    extract: stage('extract', budgetMs.extract, extractFrom),
    generate:
      chat &&
      cacheCompletions(streamStage('generate', config.ask.timeoutMs, answerWith(chat, config.ask.maxAnswerTokens)), {
        store: caches.completions,
        configHash: digest([config.models.baseUrl, chat.model, config.ask.maxAnswerTokens]),
        keep: config.cache.keep,
      }),
    rewrite: rewrites && {
      condense: remotely(stage('understand', budgetMs.understand, rewrites.condense)),
      rephrase: remotely(stage('understand', budgetMs.understand, rewrites.rephrase)),
    },
    vectorWeight: (language: string, collection: AskedCollection) => vectorWeight(embedder, language, collection),
    gate: createGate(learned, config.ask.abstainBelow),
    reserveMs,
    model: chat?.model ?? null,
  }
}

/** Words decide, a model of its own reads every sentence, or a cross-encoder those that words do not decide. */
function groundingOf(
  { config: { grounding }, reranker, claimModel, events }: PipelineParts,
  { record }: Stages,
): Grounding | null {
  if (grounding === null) return null
  const { strictness, checksStreams, timeoutMs } = grounding
  const byModel = claimModel && claimCheckers(claimModel, { timeoutMs })
  const checkers = byModel ?? (reranker?.isInProcess ? rerankingCheckers(reranker, { timeoutMs }) : undefined)
  return {
    strictness,
    checksStreams,
    checkerFor: run => checkers?.(run),
    events,
    record: (ms, run) => record('ground', { ms, outcome: 'ok' }, run),
  }
}

function rerankStep({ rerank }: Config, reranker: Guarded['reranker'], { stage }: Stages): SelectSteps['rerank'] {
  if (!rerank || !reranker) return null
  const { candidates, timeoutMs, readsUnits } = rerank
  const run = stage('rerank', timeoutMs, rerankWith(reranker, rerank))
  return { candidates, readsUnits, run: reranker.isInProcess ? run : remotely(run) }
}

/** The collection as a question sees it; null when there is none of this name. */
export async function askedCollection(
  store: Pick<CollectionStore, 'collection'>,
  { embedder }: Pick<Models, 'embedder'>,
  name: string,
  signal: AbortSignal,
): Promise<AskedCollection | null> {
  const found = await store.collection(name, signal)
  return found && askedFrom(found, embedder)
}

export function askedFrom(found: Collection, embedder: Embedder): AskedCollection {
  const { id, name, epoch, epochMark, languages, efSearch, windowCount, chunkCount, caching, abstention, model } = found
  // May have been re-embedded by another model meanwhile, whose vectors cannot be compared with ours.
  const isOurs = model?.name === embedder.model && !model.changed
  const calibration = isOurs || model === null ? found.calibration : null
  return {
    id,
    name,
    epoch,
    epochMark,
    chunkCount,
    modelId: isOurs ? model.id : null,
    windowsPerChunk: Math.max(1, Math.ceil(windowCount / Math.max(1, chunkCount))),
    efSearch,
    languages,
    vectorWeights: rescaled(embedder, found.vectorWeights, calibration),
    calibration,
    ...(model !== null && !isOurs && { hasOtherVectors: true }),
    ...(isOurs && found.isFilling && { isFilling: true }),
    ...(abstention && { abstention }),
    caching,
  }
}
