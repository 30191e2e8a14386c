/**
 * All OpenTelemetry attribute names, in one place because the GenAI conventions (v1.41) are in development and newer
 * drafts rename some. `askwell.*` names are for what the conventions do not cover.
 */
export const genAi = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  workflow: 'gen_ai.workflow.name',
  dataSource: 'gen_ai.data_source.id',
  model: 'gen_ai.request.model',
  isStreamed: 'gen_ai.request.stream',
  maxTokens: 'gen_ai.request.max_tokens',
  topK: 'gen_ai.request.top_k',
  dimensions: 'gen_ai.embeddings.dimension.count',
  responseId: 'gen_ai.response.id',
  responseModel: 'gen_ai.response.model',
  finishReasons: 'gen_ai.response.finish_reasons',
  /** In seconds. */
  firstChunk: 'gen_ai.response.time_to_first_chunk',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
} as const

/** Names for HTTP, databases and errors. These conventions are stable. */
export const named = {
  errorType: 'error.type',
  address: 'server.address',
  port: 'server.port',
  method: 'http.request.method',
  route: 'http.route',
  status: 'http.response.status_code',
  path: 'url.path',
  scheme: 'url.scheme',
  system: 'db.system.name',
  database: 'db.namespace',
  statement: 'db.operation.name',
  summary: 'db.query.summary',
  queryText: 'db.query.text',
  rows: 'db.response.returned_rows',
  databaseStatus: 'db.response.status_code',
} as const

/** The provider name of operations that run in this process, and the name of the workflow. */
export const ourselves = 'askwell'
