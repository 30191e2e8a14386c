/** What is measured with which models: the table of the whole product, with as few runs as it needs. */

export interface Setup {
  readonly name: string
  /** What it is called in the tables. */
  readonly title: string
  readonly env: Readonly<Record<string, string>>
  /** Folders below that of the sets. */
  readonly answers: readonly string[]
  readonly ranking: readonly string[]
  /** A reranker takes a second per question, so there are fewer. */
  readonly share: number
}

export interface LeftOut {
  readonly title: string
  readonly why: string
}

type Environment = Readonly<Record<string, string | undefined>>

const small = ['users/kz', 'users/manual', 'users/short']
const abstain = ['abstain-clapnq-en', 'abstain-xquad-en', 'abstain-xquad-ru', 'abstain-xquad-vi']
/** Cranfield alone would take a fifth of the run: measure it with `askwell eval`. */
const ranking = ['xquad-en', 'xquad-ru', 'xquad-vi']

/** The setups that can be measured with what the environment names, and why others cannot. */
export function setupsFor(env: Environment): {
  readonly setups: readonly Setup[]
  readonly leftOut: readonly LeftOut[]
} {
  const setups: Setup[] = [
    {
      name: 'default',
      title: 'default embeddings',
      env: { EMBEDDING_MODEL: 'local', CHAT_MODEL: 'none' },
      answers: [...small, ...abstain, 'canard-en', 'mtrag-cloud-en'],
      ranking,
      share: 1,
    },
  ]
  const leftOut: LeftOut[] = []
  const { OPENAI_BASE_URL: url } = env
  if (url === undefined) {
    leftOut.push({ title: 'e5', why: 'OPENAI_BASE_URL names no server of multilingual-e5-small' })
    leftOut.push({ title: 'e5 and a cross-encoder', why: 'OPENAI_BASE_URL names no server of multilingual-e5-small' })
    return { setups, leftOut }
  }
  const e5 = e5Settings(env, url)
  setups.push(
    {
      name: 'e5',
      title: 'e5',
      env: { ...e5, EMBEDDING_MODEL: 'multilingual-e5-small' },
      answers: [...small, ...abstain, 'canard-en', 'mtrag-cloud-en', 'xlang-xquad-ruvi-en'],
      ranking: ['xquad-en', 'xquad-ru'],
      share: 1,
    },
    {
      name: 'e5-renamed',
      title: 'e5 under another name',
      env: { ...e5, EMBEDDING_MODEL: 'e5' },
      answers: small,
      ranking: [],
      share: 1,
    },
  )
  const reranker = rerankerSettings(env)
  if (reranker === null)
    leftOut.push({ title: 'e5 and a cross-encoder', why: 'neither RERANK_URL nor RERANK_MODEL=onnx:FOLDER is set' })
  else
    setups.push({
      name: 'e5-cross',
      title: 'e5 and a cross-encoder',
      env: { ...e5, ...reranker, EMBEDDING_MODEL: 'multilingual-e5-small' },
      answers: ['users/manual', 'users/short', 'abstain-clapnq-en', 'abstain-xquad-en'],
      ranking: [],
      share: 0.5,
    })
  return { setups, leftOut }
}

function e5Settings(env: Environment, url: string): Record<string, string> {
  return {
    OPENAI_BASE_URL: url,
    OPENAI_API_KEY: env['OPENAI_API_KEY'] ?? 'none',
    CHAT_MODEL: 'none',
    EMBEDDING_QUERY_PREFIX: 'query:',
    EMBEDDING_PASSAGE_PREFIX: 'passage:',
    EMBEDDING_MAX_TOKENS: '512',
    ...patience,
  }
}

function rerankerSettings({ RERANK_URL, RERANK_MODEL, RERANK_API_KEY }: Environment): Record<string, string> | null {
  if (RERANK_URL !== undefined)
    return {
      RERANK_URL,
      RERANK_MODEL: RERANK_MODEL ?? 'cross-encoder',
      ...(RERANK_API_KEY === undefined ? {} : { RERANK_API_KEY }),
      ...slowReranker,
    }
  return RERANK_MODEL?.startsWith('onnx:') ? { RERANK_MODEL, ...slowReranker } : null
}

/** On a busy machine a model may take long; figures without it would be of something else. */
const patience = { REQUEST_TIMEOUT_MS: '120000' }
const slowReranker = { RERANK_TIMEOUT_MS: '60000' }
