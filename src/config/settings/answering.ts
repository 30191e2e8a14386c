import { autoOrFraction, integer, oneOf, setting } from '../kinds.ts'

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
} as const
