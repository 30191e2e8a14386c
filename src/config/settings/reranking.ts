import { apiKey } from '../model-api.ts'
import { requestHeaders } from '../request-headers.ts'
import { endpoint, hidden, integer, oneOf, setting, words } from '../kinds.ts'

export const rerankingSettings = {
  rerankUrl: setting(
    'RERANK_URL',
    undefined,
    'Endpoint of a reranker with the API of Cohere or Jina, such as `https://api.cohere.com/v2/rerank`. Unset: no reranking, unless `RERANK_MODEL` is a folder.',
    endpoint,
  ),
  rerankModel: setting(
    'RERANK_MODEL',
    undefined,
    'Reranking model: a model of `RERANK_URL`, or without it a cross-encoder on disk: `pulled:NAME` of `askwell models pull`, or `onnx:FOLDER`.',
    words,
  ),
  rerankApiKey: hidden(setting('RERANK_API_KEY', undefined, 'API key for the reranker.', apiKey)),
  rerankHeaders: hidden(
    setting(
      'RERANK_HEADERS',
      undefined,
      'Headers for every request to the reranker, as in `OPENAI_HEADERS`.',
      requestHeaders,
    ),
  ),
  rerankCandidates: setting(
    'RERANK_CANDIDATES',
    undefined,
    'Passages that the reranker reads. Default: `30`, or `10` for a model on disk.',
    integer(2, 100),
  ),
  rerankTimeoutMs: setting(
    'RERANK_TIMEOUT_MS',
    '3000',
    "Reranker timeout; never more than a third of the request's remaining time.",
    integer(10, 60_000),
  ),
  rerankBudgetMs: setting(
    'RERANK_BUDGET_MS',
    '1000',
    'Time that a reranker on disk may take for a question; what it has read by then counts, and the rest keeps the search order.',
    integer(10, 60_000),
  ),
  rerankUnits: setting(
    'RERANK_UNITS',
    undefined,
    'Whether the reranker also reads the best sentences of the best passages, each by itself, with a second call: `on` or `off`. Unset: `on` for a model on disk, `off` with `RERANK_URL`.',
    oneOf('on', 'off'),
  ),
} as const
