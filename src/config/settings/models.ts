import { apiBase, apiKey } from '../model-api.ts'
import { requestHeaders } from '../request-headers.ts'
import {
  amount,
  collectionBudgets,
  currency,
  hidden,
  integer,
  languageList,
  modelPrices,
  oneOf,
  onOff,
  setting,
  tokensPerDay,
  words,
} from '../kinds.ts'

export const modelSettings = {
  openaiApiKey: hidden(
    setting(
      'OPENAI_API_KEY',
      undefined,
      'API key for the model API. `OPENAI_API_KEY_FILE` is read again when it changes, and when the API rejects the key.',
      apiKey,
    ),
  ),
  openaiBaseUrl: setting(
    'OPENAI_BASE_URL',
    undefined,
    'Base URL of any OpenAI-compatible API (vLLM, Ollama, llama.cpp, Groq, …). A query in it, such as `?api-version=` of Azure, is sent with every request. Unset with a key: OpenAI itself.',
    apiBase,
  ),
  openaiHeaders: hidden(
    setting(
      'OPENAI_HEADERS',
      undefined,
      'Headers for every request to the model API, such as `X-Team: library`, separated by `;` or line ends, or as a JSON object.',
      requestHeaders,
    ),
  ),
  chatModel: setting(
    'CHAT_MODEL',
    undefined,
    'Model that writes answers; `none` for extractive answers. Default: `gpt-4o-mini` with a key, `none` without one; required with a base URL.',
    words,
  ),
  embeddingModel: setting(
    'EMBEDDING_MODEL',
    undefined,
    'Embedding model; `local` is the bundled one (English), `pulled:NAME` one of `askwell models pull`, `onnx:FOLDER` another one on disk. Without a model API, the names of `askwell models list` need no `pulled:`. Default: `text-embedding-3-small` with a key and no base URL, otherwise `local`.',
    words,
  ),
  embeddingBaseUrl: setting(
    'EMBEDDING_BASE_URL',
    undefined,
    'Base URL of another OpenAI-compatible API for embeddings. Unset: `OPENAI_BASE_URL`.',
    apiBase,
  ),
  embeddingApiKey: hidden(
    setting(
      'EMBEDDING_API_KEY',
      undefined,
      'API key for embeddings. Unset: `OPENAI_API_KEY`, unless `EMBEDDING_BASE_URL` is on another host, which must not get that key.',
      apiKey,
    ),
  ),
  embeddingHeaders: hidden(
    setting(
      'EMBEDDING_HEADERS',
      undefined,
      'Headers for every request for embeddings. Unset: `OPENAI_HEADERS`, under the same condition.',
      requestHeaders,
    ),
  ),
  embeddingDimensions: setting(
    'EMBEDDING_DIMENSIONS',
    undefined,
    "Vector length to request from the API. Unset: the model's default.",
    integer(1, 4000),
  ),
  embeddingMaxTokens: setting(
    'EMBEDDING_MAX_TOKENS',
    '8191',
    'Longest input of the API embedding model, in tokens.',
    integer(32, 1_000_000),
  ),
  embeddingLoadTimeoutMs: setting(
    'EMBEDDING_LOAD_TIMEOUT_MS',
    '60000',
    'Longest wait for one call of the API embedding model while documents are loaded. A call that takes longer is cancelled and tried again with fewer texts.',
    integer(1000, 290_000),
  ),
  embeddingCheckMinutes: setting(
    'EMBEDDING_CHECK_MINUTES',
    '30',
    'How often a few stored texts are embedded again by the API embedding model, from the start on, to notice that its provider has changed it. `0`: only before documents are loaded.',
    integer(0, 10_080),
  ),
  calibration: setting(
    'CALIBRATION',
    'on',
    'Measure what similarities mean for each collection and its embedding model, in the background at the start and after documents have changed much, and at the end of `askwell ingest`, `reembed` and `reindex`. `off`: only `askwell tune calibration` measures.',
    onOff,
  ),
  embeddingLanguages: setting(
    'EMBEDDING_LANGUAGES',
    'any',
    'Languages the embedding model may be used for, unless it is `local`; other languages get lexical search only. `any`: how far it is trusted in each is measured (`CALIBRATION`).',
    languageList,
  ),
  embeddingQueryPrefix: setting(
    'EMBEDDING_QUERY_PREFIX',
    undefined,
    'Prefix the embedding model expects before a question, such as `query:`; a space follows it. Unset: the prefix in the ONNX folder, or none.',
    words,
  ),
  embeddingPassagePrefix: setting(
    'EMBEDDING_PASSAGE_PREFIX',
    undefined,
    'Prefix the embedding model expects before a passage, such as `passage:`. A change invalidates existing vectors: run `askwell reembed`.',
    words,
  ),
  embeddingUnits: setting(
    'EMBEDDING_UNITS',
    'on',
    'Embed each sentence, list item and table row of a document as well, with its headings, and compare questions with those too. `off`: only whole passages; loading then embeds several times fewer texts.',
    onOff,
  ),
  embeddingUnitsMaxChunks: setting(
    'EMBEDDING_UNITS_MAX_CHUNKS',
    '100000',
    'Chunks of a collection from which on new documents are loaded without `EMBEDDING_UNITS`.',
    integer(1, 100_000_000),
  ),
  embeddingPooling: setting(
    'EMBEDDING_POOLING',
    undefined,
    'How an `onnx:` model makes one vector of those of its tokens: `mean`, `cls` (the first) or `lasttoken`. Unset: as its folder says, else `mean`. A change invalidates existing vectors: run `askwell reembed`.',
    oneOf('mean', 'cls', 'lasttoken'),
  ),
  modelMaxConcurrency: setting(
    'MODEL_MAX_CONCURRENCY',
    undefined,
    'Most calls to the language model at a time. Unset: learned from how it responds. Set it where you know how many calls a local server works on at a time (`OLLAMA_NUM_PARALLEL` of Ollama, `-np` of llama.cpp).',
    integer(1, 10_000),
  ),
  modelSilenceMs: setting(
    'MODEL_SILENCE_MS',
    '10000',
    'Idle timeout of the language model: the longest time without any byte, be it of a thought or of a comment that keeps the connection alive. On expiry the answer is extractive.',
    integer(100, 600_000),
  ),
  modelFirstWordMs: setting(
    'MODEL_FIRST_WORD_MS',
    undefined,
    "Longest wait for the first word of the language model's answer. Unset: learned, twice what it usually needs, and at least `MODEL_SILENCE_MS`; signs of life extend it. Never longer than the request may take.",
    integer(100, 600_000),
  ),
  embeddingHedgeMs: setting(
    'EMBEDDING_HEDGE_MS',
    '0',
    "Delay after which a question's embedding request is sent a second time, for at most one in twenty; `0`: never.",
    integer(0, 60_000),
  ),
  maxAnswerTokens: setting('MAX_ANSWER_TOKENS', '500', 'Maximum answer length, in tokens.', integer(16, 16_000)),
  promptTokens: setting(
    'PROMPT_TOKENS',
    '1500',
    'Maximum tokens of passages in the prompt, from at most five passages.',
    integer(100, 100_000),
  ),
  modelPrices: setting(
    'MODEL_PRICES',
    undefined,
    'Price of the chat model per million tokens, such as `prompt=0.15,completion=0.60`; `/monitoring/performance-metrics` then reports the cost. After them, `embedding=0.02` is the price of the embedding model, `rerank=0.05` that of the reranker, also per million tokens, or `rerank_call=0.002` its price per call: budgets of money then count them, and `askwell ingest` and `askwell reembed` say what embedding will cost before they start.',
    modelPrices,
  ),
  modelPriceCurrency: setting('MODEL_PRICE_CURRENCY', 'USD', 'Currency of `MODEL_PRICES`.', currency),
  budgetTokensPerDay: setting(
    'BUDGET_TOKENS_PER_DAY',
    undefined,
    'Tokens that the chat model may read and write per day (UTC), over all replicas that share Redis; when they are used up, answers are extractive until midnight. Unset: no limit.',
    tokensPerDay,
  ),
  budgetCostPerDay: setting(
    'BUDGET_COST_PER_DAY',
    undefined,
    'What the models may cost per day (UTC), by `MODEL_PRICES`: answers, and the embedding and reranking of questions where they have a price. Unset: no limit.',
    amount,
  ),
  budgetCollections: setting(
    'BUDGET_COLLECTIONS',
    undefined,
    'Daily budgets of single collections, such as `admissions=tokens:200000,faq=cost:1.5`. Unset: none.',
    collectionBudgets,
  ),
} as const
