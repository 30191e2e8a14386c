import type { Calibration } from '../../ask/calibration/terms.ts'
import { calibrationJson } from '../replies/calibration.ts'
import type { FastifyInstance, FastifyRequest, preParsingHookHandler } from 'fastify'
import { AskError } from '../../errors.ts'
import { sourceFault } from '../../ingest/source-name.ts'
import { invalid } from '../replies/validation-errors.ts'
import { disconnectSignal } from '../edge/hangup.ts'
import { logUnanswered } from '../edge/request-log.ts'
import { DocumentParams, DocumentsBody, type DocumentBody } from '../replies/schemas.ts'
import { withoutSocketTimeout } from '../edge/unhurried.ts'

/** The document functions that the edge needs; wiring/service.ts provides them. */
export interface DocumentApi {
  /** Reserves space for a body of `bytes`. Throws `overloaded` when there is none. */
  enter(bytes: number): DocumentRoom
  /** Parses, chunks, embeds and writes all documents, or none. */
  put(
    collection: string,
    documents: readonly DocumentBody[],
    signal: AbortSignal,
    room: DocumentRoom,
  ): Promise<PutResult[]>
  get(id: string, signal: AbortSignal): Promise<DocumentView | null>
  remove(id: string, signal: AbortSignal): Promise<boolean>
  collections(signal: AbortSignal): Promise<CollectionView[]>
}

/** Space reserved for a body until the reply is sent or the client has disconnected. */
export interface DocumentRoom {
  leave(): void
}

export interface PutResult {
  readonly source: string
  readonly id: string
  readonly status: 'added' | 'replaced' | 'unchanged'
  readonly chunks: number
  /** Problems that did not prevent reading the document. */
  readonly warnings: readonly string[]
}

export interface DocumentView {
  readonly id: string
  readonly collection: string
  readonly source: string
  readonly version: number
  readonly title: string
  readonly url: string | null
  readonly language: string
  readonly metadata: object
  readonly text: string
  readonly chunkCount: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

export interface CollectionView {
  readonly name: string
  readonly epoch: number
  readonly documentCount: number
  readonly chunkCount: number
  readonly outdated: number
  readonly fromStoredText: number
  readonly lackingVectors: number
  readonly withUnits: number
  readonly lackingUnits: number
  readonly unitState: string
  readonly languages: readonly string[]
  readonly chunking: { readonly size: number; readonly overlap: number; readonly by: string }
  readonly abstention?: {
    readonly doubtful: number
    readonly hopeless: number
    readonly lose: number
    readonly questions: number
    readonly isJudged: boolean
  }
  readonly model: { readonly name: string; readonly dimensions: number } | null
  readonly calibration: Calibration | null
  readonly updatedAt: Date
}

/** Limit for uploads; all other bodies have a smaller one. */
const maxBytes = 16 * 1024 * 1024

/** PUT /documents, GET and DELETE /documents/{id}, GET /collections; all need a key with the scope `admin`. */
export function registerDocuments(app: FastifyInstance, { documents }: { readonly documents: DocumentApi }): void {
  const config = { needs: 'admin' } as const
  const rooms = new WeakMap<FastifyRequest, DocumentRoom>()

  /** Runs before the body is read, so that hundreds of concurrent uploads are rejected before they fill the memory. */
  const enter: preParsingHookHandler = (request, reply, payload, done) => {
    const length = Number(request.headers['content-length'] ?? maxBytes)
    const room = documents.enter(Math.min(length, maxBytes))
    rooms.set(request, room)
    const onClose = () => {
      room.leave()
      if (!reply.raw.writableFinished) logUnanswered(request, reply)
    }
    if (reply.raw.closed) onClose()
    else reply.raw.once('close', onClose)
    done(null, payload)
  }

  app.put<{ Body: DocumentsBody }>(
    '/documents',
    { config, bodyLimit: maxBytes, schema: { body: DocumentsBody }, preParsing: enter },
    async (request, reply) => {
      const { collection = 'default', documents: bodies } = request.body
      rejectInvalidSources(bodies)
      rejectDuplicateSources(bodies)
      const results = await withoutSocketTimeout(
        request,
        async () => await documents.put(collection, bodies, disconnectSignal(request, reply), rooms.get(request)!),
      )
      return { collection, documents: results }
    },
  )

  app.get<{ Params: DocumentParams }>(
    '/documents/:id',
    { config, schema: { params: DocumentParams } },
    async (request, reply) => {
      const found = await documents.get(request.params.id, disconnectSignal(request, reply))
      if (!found) throw unknownDocument(request.params.id)
      return documentJson(found)
    },
  )

  app.delete<{ Params: DocumentParams }>(
    '/documents/:id',
    { config, schema: { params: DocumentParams } },
    async (request, reply) => {
      const isRemoved = await documents.remove(request.params.id, disconnectSignal(request, reply))
      if (!isRemoved) throw unknownDocument(request.params.id)
      return await reply.code(204).send()
    },
  )

  app.get('/collections', { config }, async (request, reply) => {
    const all = await documents.collections(disconnectSignal(request, reply))
    return { collections: all.map(collectionJson) }
  })
}

/** Rejects sources that the database cannot store, or cannot distinguish from others. */
function rejectInvalidSources(bodies: readonly DocumentBody[]): void {
  const faults = bodies.flatMap(({ source }, index) => {
    const detail = sourceFault(source)
    return detail === null ? [] : [{ pointer: `/documents/${index}/source`, detail }]
  })
  if (faults.length > 0) throw invalid(faults)
}

function rejectDuplicateSources(bodies: readonly DocumentBody[]): void {
  const seen = new Set<string>()
  const faults = bodies.flatMap(({ source }, index) => {
    const isDuplicate = seen.has(source)
    seen.add(source)
    return isDuplicate
      ? [
          {
            pointer: `/documents/${index}/source`,
            detail: 'is already the source of an earlier document in this request',
          },
        ]
      : []
  })
  if (faults.length > 0)
    throw new AskError('invalid_request', {
      detail: 'The sources of all documents in a request must differ; see errors.',
      faults,
    })
}

function unknownDocument(id: string): AskError {
  return new AskError('unknown_document', { detail: `There is no document ${id}.` })
}

function documentJson(document: DocumentView) {
  const { id, collection, source, version, title, url, language, metadata, text, chunkCount, createdAt, updatedAt } =
    document
  return {
    id,
    collection,
    source,
    version,
    title,
    url,
    language,
    metadata,
    text,
    chunk_count: chunkCount,
    created_at: createdAt,
    updated_at: updatedAt,
  }
}

function abstentionJson({ doubtful, hopeless, lose, questions, isJudged }: NonNullable<CollectionView['abstention']>) {
  return { threshold: doubtful, model_threshold: hopeless, lose, questions, judged: isJudged }
}

function collectionJson(collection: CollectionView) {
  const { name, epoch, documentCount, chunkCount, languages, chunking, model, updatedAt } = collection
  const { outdated, fromStoredText, lackingVectors, withUnits, lackingUnits, unitState, abstention, calibration } =
    collection
  return {
    name,
    epoch,
    document_count: documentCount,
    chunk_count: chunkCount,
    missing_vector_chunk_count: lackingVectors,
    unit_chunk_count: withUnits,
    missing_unit_chunk_count: lackingUnits,
    unit_state: unitState,
    outdated_count: outdated,
    stored_text_count: fromStoredText,
    languages,
    chunking: { size: chunking.size, overlap: chunking.overlap, by: chunking.by },
    abstention: abstention ? abstentionJson(abstention) : null,
    embedding_model: model?.name ?? null,
    dimensions: model?.dimensions ?? null,
    calibration: calibration && calibrationJson(calibration),
    updated_at: updatedAt,
  }
}
