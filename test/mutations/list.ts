/** A small fault that is put into `src`, and the tests that fail with it. */
export interface Mutation {
  readonly name: string
  /** Below the checkout, as `src/log.ts`. */
  readonly file: string
  /** Exact text that occurs once in the file. */
  readonly find: string
  readonly replace: string
  /** The quickest test files that fail with the fault, in the order in which they are run. */
  readonly tests: readonly [string, ...string[]]
}

/** Fifty faults, fixed, so that a rewrite of the tests shows that they still assert what they asserted before. */
export const mutations: readonly Mutation[] = [
  // Cached answers
  {
    name: 'cache-key-without-tenant',
    file: 'src/ask/cache/cache-key.ts',
    find: '      tenant ?? null,\n',
    replace: '',
    tests: ['test/unit/ask/cache/cache-key.test.ts'],
  },
  {
    name: 'cache-key-without-filters',
    file: 'src/ask/cache/cache-key.ts',
    find: '      canonical(filters),\n',
    replace: '',
    tests: ['test/unit/ask/cache/cache-key.test.ts'],
  },
  {
    name: 'cache-key-without-epoch-mark',
    file: 'src/ask/cache/cache-key.ts',
    find: '      collection.epochMark,\n',
    replace: '',
    tests: ['test/unit/ask/cache/cache-key.test.ts'],
  },
  {
    name: 'collection-snapshot-trusted-forever',
    file: 'src/ask/cache/collection-snapshot.ts',
    find: 'return age <= trustedMs ? last.collection : undefined',
    replace: 'return last.collection',
    tests: ['test/unit/ask/cache/collection-snapshot.test.ts'],
  },
  {
    name: 'abstention-cached-like-an-answer',
    file: 'src/ask/cache/answer-cache.ts',
    find: 'return answer.abstained ? Math.min(seconds, durations.abstainedSeconds) : seconds',
    replace: 'return seconds',
    tests: ['test/unit/ask/cache/cached-ask.test.ts'],
  },
  {
    name: 'degraded-answer-cached',
    file: 'src/ask/cache/answer-cache.ts',
    find: 'if (seconds <= 0 || answer.degraded.length > 0 || answer.isOvertaken || answer.isTruncated) return',
    replace: 'if (seconds <= 0 || answer.isOvertaken || answer.isTruncated) return',
    tests: ['test/unit/ask/cache/cached-ask.test.ts'],
  },
  {
    name: 'truncated-answer-cached',
    file: 'src/ask/cache/answer-cache.ts',
    find: 'if (seconds <= 0 || answer.degraded.length > 0 || answer.isOvertaken || answer.isTruncated) return',
    replace: 'if (seconds <= 0 || answer.degraded.length > 0 || answer.isOvertaken) return',
    tests: ['test/service/provider-replies.test.ts'],
  },
  {
    name: 'unknown-finish-reason-ends',
    file: 'src/adapters/models/openai/finish-reasons.ts',
    find: '(endings.get(finishReason.trim().toLowerCase()) ?? null)',
    replace: "(endings.get(finishReason.trim().toLowerCase()) ?? 'complete')",
    tests: ['test/unit/adapters/models/openai/providers.test.ts'],
  },
  {
    name: 'overtaken-answer-cached',
    file: 'src/ask/cache/answer-cache.ts',
    find: 'if (seconds <= 0 || answer.degraded.length > 0 || answer.isOvertaken || answer.isTruncated) return',
    replace: 'if (seconds <= 0 || answer.degraded.length > 0 || answer.isTruncated) return',
    tests: ['test/unit/ask/cache/cached-ask.test.ts'],
  },
  {
    name: 'stale-answer-after-the-first-word',
    file: 'src/ask/cache/stale-if-error.ts',
    find: 'const better = isShown || signal.aborted || !isOutage(error)',
    replace: 'const better = signal.aborted || !isOutage(error)',
    tests: ['test/unit/ask/cache/stale-if-error.test.ts'],
  },
  {
    name: 'semantic-cache-threshold-ignores-wrong-answers',
    file: 'src/ask/cache/semantic/threshold.ts',
    find: 'wrong += own.filter(({ isRight }) => !isRight).length',
    replace: 'wrong += 0',
    tests: ['test/unit/ask/cache/semantic/threshold.test.ts'],
  },
  {
    name: 'two-databases-share-keys-in-redis',
    file: 'src/adapters/redis/cache-keys.ts',
    find: 'return `${prefix}:${database}:`',
    replace: 'return `${prefix}:database:`',
    tests: ['test/service/one-redis.test.ts'],
  },

  // Generation
  {
    name: 'citation-end-off-by-one',
    file: 'src/ask/generation/quotes.ts',
    find: '    end: passage.start + end,',
    replace: '    end: passage.start + end - 1,',
    tests: ['test/unit/ask/generation/cite.test.ts'],
  },
  {
    name: 'extractive-quote-start-off-by-one',
    file: 'src/ask/generation/quotes.ts',
    find: 'start: passage.start + start,',
    replace: 'start: passage.start + start + 1,',
    tests: ['test/unit/ask/generation/extractive.test.ts'],
  },
  {
    name: 'citation-of-a-missing-passage-shown',
    file: 'src/ask/generation/citation-markers.ts',
    find: 'number >= 1 && number <= passageCount',
    replace: 'number >= 1',
    tests: ['test/unit/ask/generation/citation-markers.test.ts'],
  },
  {
    name: 'passage-closes-its-delimiters',
    file: 'src/ask/generation/delimiters.ts',
    find: "      .replace(ourTags, '‹')\n",
    replace: '',
    tests: ['test/unit/ask/generation/prompt.test.ts'],
  },

  // Retrieval and text
  {
    name: 'fusion-weight-ignored',
    file: 'src/ask/retrieval/fuse.ts',
    find: '(1 - weight) * words[i]! + weight * vector[i]!',
    replace: '0.5 * words[i]! + 0.5 * vector[i]!',
    tests: ['test/unit/ask/retrieval/fuse.test.ts'],
  },
  {
    name: 'bm25-idf-negative',
    file: 'src/adapters/postgres/store/bm25-search.ts',
    find: 'return sql`ln(1 + ',
    replace: 'return sql`-ln(1 + ',
    tests: ['test/service/lexical.test.ts'],
  },
  {
    name: 'bm25-counts-deleted-chunks',
    file: 'src/adapters/postgres/store/vocabulary.ts',
    find: 'set chunk_count = t.chunk_count - gone.chunks',
    replace: 'set chunk_count = t.chunk_count',
    tests: ['test/service/lexical.test.ts'],
  },
  {
    name: 'filter-from-excludes-its-bound',
    file: 'src/adapters/postgres/store/filters.ts',
    find: "['>=', filter.gte],",
    replace: "['>', filter.gte],",
    tests: ['test/service/ask.test.ts'],
  },
  {
    name: 'vector-index-by-count-alone',
    file: 'src/adapters/postgres/store/vector-index.ts',
    find: 'return vectors * dimensions >= indexedFrom * 512',
    replace: 'return vectors >= indexedFrom',
    tests: ['test/service/vector-index.test.ts'],
  },
  {
    name: 'yo-not-folded',
    file: 'src/text/fold.ts',
    find: ".replaceAll('ё', 'е')",
    replace: '',
    tests: ['test/unit/text/fold.test.ts'],
  },
  {
    name: 'kazakh-stem-keeps-kazakh-letters',
    file: 'src/text/stem.ts',
    find: "['kk', word => firstLetters(foldKazakh(word))],",
    replace: "['kk', firstLetters],",
    tests: ['test/unit/text/stem.test.ts'],
  },
  {
    name: 'vietnamese-tone-moved-after-q',
    file: 'src/text/fold.ts',
    find: '(?<!q)u[',
    replace: 'u[',
    tests: ['test/unit/text/fold.test.ts'],
  },

  // Time and load
  {
    name: 'stage-ignores-the-deadline',
    file: 'src/ask/stage.ts',
    find: 'const deadline = Math.min(startedAt + budgetMs, run.deadline)',
    replace: 'const deadline = startedAt + budgetMs',
    tests: ['test/unit/ask/stage.test.ts'],
  },
  {
    name: 'breaker-opens-only-if-every-call-fails',
    file: 'src/resilience/breaker.ts',
    find: 'faults >= calls * faultShare',
    replace: 'faults >= calls',
    tests: ['test/unit/resilience/breaker.test.ts'],
  },
  {
    name: 'retry-without-budget',
    file: 'src/resilience/guard.ts',
    find: '    if (!budget.spend(retryCost)) return (void onNoRetryLeft(), false)\n',
    replace: '',
    tests: ['test/unit/resilience/guard.test.ts'],
  },
  {
    name: 'limiter-ignores-priority',
    file: 'src/resilience/limiter.ts',
    find: 'const waiter = queues.interactive.take(isLate)',
    replace: 'const waiter = queues.batch.size > 0 ? undefined : queues.interactive.take(isLate)',
    tests: ['test/unit/resilience/limiter.test.ts'],
  },
  {
    name: 'saturated-model-not-noticed',
    file: 'src/resilience/call-capacity.ts',
    find: 'power > queueing',
    replace: 'power > 60',
    tests: ['test/unit/resilience/call-limit.test.ts'],
  },
  {
    name: 'answers-of-different-lengths-taken-for-a-queue',
    file: 'src/resilience/first-calls.ts',
    find: 'surprise < leastSurprise',
    replace: 'surprise < 1',
    tests: ['test/unit/resilience/first-calls.test.ts', 'test/unit/resilience/call-limit.test.ts'],
  },
  {
    name: 'replies-that-begin-do-not-raise-the-limit',
    file: 'src/resilience/call-capacity.ts',
    find: '    call.hasCounted = true\n    grow(load)\n',
    replace: '',
    tests: ['test/unit/resilience/call-limit.test.ts'],
  },
  {
    name: 'flood-of-one-caller-goes-first',
    file: 'src/resilience/fair-queue.ts',
    find: 'if (lines.delete(caller)) lines.set(caller, line)',
    replace: '',
    tests: ['test/unit/resilience/fair-queue.test.ts'],
  },
  {
    name: 'shared-run-aborted-by-its-first-leaver',
    file: 'src/resilience/single-flight.ts',
    find: 'if (--flight.subscribers > 0 || flight.end !== null) return',
    replace: 'flight.subscribers -= 1\n    if (flight.end !== null) return',
    tests: ['test/unit/resilience/single-flight.test.ts'],
  },
  {
    name: 'failed-run-keeps-its-slot',
    file: 'src/ask/admission.ts',
    find: '        yield event\n      }\n    } finally {\n      slot.leave(kind)\n    }',
    replace: '        yield event\n      }\n    } finally {\n    }',
    tests: ['test/unit/ask/admission.test.ts'],
  },

  // The edge
  {
    name: 'forwarded-for-read-from-the-left',
    file: 'src/http/edge/client-address.ts',
    find: 'entries.pop() as string',
    replace: 'entries.shift() as string',
    tests: ['test/unit/http/edge/client-address.test.ts'],
  },
  {
    name: 'host-header-unchecked',
    file: 'src/http/edge/allowed-hosts.ts',
    find: '    if (!isKnown) return done(unknownHost())\n',
    replace: '',
    tests: ['test/service/hosts.test.ts'],
  },
  {
    name: 'metrics-without-a-scope',
    file: 'src/http/routes/metrics.ts',
    find: "config: { needs: 'monitoring', rateLimit: false,",
    replace: 'config: { rateLimit: false,',
    tests: ['test/unit/http/edge/guards.test.ts'],
  },
  {
    name: 'hidden-collection-open-to-every-key',
    file: 'src/http/edge/auth.ts',
    find: '!apiKey.collections.includes(collection)) throw',
    replace: 'apiKey.collections.length === 0) throw',
    tests: ['test/unit/http/edge/auth.test.ts'],
  },
  {
    name: 'limit-of-a-key-counted-by-address',
    file: 'src/http/edge/rate-limit.ts',
    find: '    if (isCountedByKey(request.apiKey)) return `key:${request.apiKey.name}`\n',
    replace: '',
    tests: ['test/unit/http/edge/auth.test.ts'],
  },
  {
    name: 'ipv6-limit-per-address',
    file: 'src/http/edge/rate-limit.ts',
    find: 'const client = normalizeIP(ip)',
    replace: 'const client = ip',
    tests: ['test/service/rate-limit.test.ts'],
  },
  {
    name: 'body-of-a-million-values-parsed',
    file: 'src/http/edge/body-parser.ts',
    find: 'if (isCrowded(body))',
    replace: 'if (body.length === 0 && isCrowded(body))',
    tests: ['test/unit/http/edge/crowded.test.ts'],
  },
  {
    name: 'stream-without-heartbeat',
    file: 'src/http/replies/sse.ts',
    find: 'const result = await withHeartbeat(next)',
    replace: 'const result: Awaited<ReturnType<typeof withHeartbeat<IteratorResult<AskEvent>>>> = await next',
    tests: ['test/unit/http/replies/sse.test.ts'],
  },
  {
    name: 'ready-while-draining',
    file: 'src/http/routes/health.ts',
    find: "  if (isDraining()) return 'draining'\n",
    replace: '',
    tests: ['test/unit/http/edge/refusals.test.ts'],
  },

  // Documents
  {
    name: 'chunks-without-overlap',
    file: 'src/ingest/chunk.ts',
    find: '    start = earlier\n',
    replace: '',
    tests: ['test/unit/ingest/chunk.test.ts'],
  },
  {
    name: 'colspan-unbounded',
    file: 'src/ingest/readers/html/table-spans.ts',
    find: 'number < min ? 1 : Math.min(number, max)',
    replace: 'number < min ? 1 : number',
    tests: ['test/unit/ingest/amplify.test.ts'],
  },
  {
    name: 'prune-removes-what-a-later-run-saw',
    file: 'src/adapters/postgres/store/document-rows.ts',
    find: 'and d.checked_by >= ${runId}::uuid)',
    replace: 'and d.checked_by = ${runId}::uuid)',
    tests: ['test/service/prune.test.ts'],
  },
  {
    name: 'prune-removes-what-could-not-be-read',
    file: 'src/adapters/postgres/store/documents.ts',
    find: ' and not ${isUnder(spared)}',
    replace: '',
    tests: ['test/service/ingest.test.ts'],
  },
  {
    name: 'sequence-used-up-by-every-write',
    file: 'src/adapters/postgres/store/ensure.ts',
    find: '    const found = await find()\n    if (found) return found\n    await create()\n',
    replace: '    await create()\n    const found = await find()\n    if (found) return found\n',
    tests: ['test/service/sequences.test.ts'],
  },
  {
    name: 'changed-migration-accepted',
    file: 'src/adapters/postgres/migrations/applied.ts',
    find: 'if (!file || checksum === null || checksum === file.checksum) return',
    replace: 'if (!file || checksum !== undefined) return',
    tests: ['test/unit/adapters/postgres/migrations/files.test.ts'],
  },
  {
    name: 'document-program-inherits-the-environment',
    file: 'src/adapters/child-processes/process.ts',
    find: '      env: {},\n',
    replace: '',
    tests: ['test/service/child-processes.test.ts'],
  },

  // Operation
  {
    name: 'certificate-of-the-database-unchecked',
    file: 'src/adapters/postgres/tls.ts',
    find: 'rejectUnauthorized: isVerified,',
    replace: 'rejectUnauthorized: false,',
    tests: ['test/service/tls.test.ts'],
  },
  {
    name: 'key-of-the-model-in-the-log',
    file: 'src/log.ts',
    find: 'secrets.reduce<string>(maskAll, text)',
    replace: 'secrets.reduce(masked => masked, text)',
    tests: ['test/service/telemetry.test.ts'],
  },
  {
    name: 'metric-label-renamed',
    file: 'src/metrics/questions.ts',
    find: "labels: ['mode', 'near'],",
    replace: "labels: ['mode', 'relevant'],",
    tests: ['test/service/metrics.test.ts'],
  },
  {
    name: 'verdict-without-hysteresis',
    file: 'src/monitoring/findings/hysteresis.ts',
    find: 'if (next === null || now() - next.since < presentMs) return null',
    replace: 'if (next === null) return null',
    tests: ['test/unit/monitoring/findings/hysteresis.test.ts'],
  },
  {
    name: 'former-name-of-a-setting-ignored',
    file: 'src/config/config.ts',
    find: 'return formerName !== undefined && !env[name] && env[formerName] ? formerName : name',
    replace: 'return name',
    tests: ['test/unit/config/config.test.ts'],
  },
  {
    name: 'exit-code-0-for-documents-that-failed',
    file: 'src/commands/exit-codes.ts',
    find: 'partly: 3,',
    replace: 'partly: 0,',
    tests: ['test/service/terminal.test.ts'],
  },
]
