import { autoOrFraction, endpoint, hidden, integer, oneOf, onOff, setting, words } from '../kinds.ts'

export const answeringSettings = {
  requestTimeoutMs: setting(
    'REQUEST_TIMEOUT_MS',
    '30000',
    'Time limit for one question; the default and the upper bound of `timeout_ms`.',
    integer(100, 600_000),
  ),
  fusion: setting(
    'FUSION',
    'weighted',
    'How lexical and vector rankings are combined: `weighted`, by scores with weights per model and language, or `rrf`, by ranks only.',
    oneOf('weighted', 'rrf'),
  ),
  rrfK: setting(
    'RRF_K',
    '60',
    'Constant of `FUSION=rrf`; a larger value gives less weight to the top ranks.',
    integer(1, 1000),
  ),
  abstainBelow: setting(
    'ABSTAIN_BELOW',
    'auto',
    'Minimum confidence that the documents answer a question (0–1); below it, Askwell abstains. `auto`: learned, see answers; `0`: never. `askwell tune abstention` sets one for a collection.',
    autoOrFraction(),
  ),
  grounding: setting(
    'GROUNDING',
    'standard',
    'Whether each sentence of the language model is checked against the passages, and left out if they do not support it: `strict`, `standard` or `off`.',
    oneOf('strict', 'standard', 'off'),
  ),
  streamCheck: setting(
    'STREAM_CHECK',
    'on',
    'A stream shows sentences of the language model when they are checked. `off`: tokens at once; what is wrong with them is only reported at the end (`degraded`).',
    onOff,
  ),
  groundingUrl: setting(
    'GROUNDING_URL',
    undefined,
    'Base URL of an OpenAI-compatible API with a model that checks claims, such as Bespoke-MiniCheck in Ollama or vLLM. Unset: words decide, and a cross-encoder (`RERANK_MODEL=onnx:…`) where they do not.',
    endpoint,
  ),
  groundingModel: setting(
    'GROUNDING_MODEL',
    'bespoke-minicheck',
    'Model of `GROUNDING_URL`. It reads `Document: … Claim: …` and says Yes or No.',
    words,
  ),
  groundingApiKey: hidden(setting('GROUNDING_API_KEY', undefined, 'API key for `GROUNDING_URL`.', words)),
  groundingTimeoutMs: setting(
    'GROUNDING_TIMEOUT_MS',
    '1500',
    'Longest time for checking one sentence with a model; then words decide.',
    integer(10, 60_000),
  ),
} as const
