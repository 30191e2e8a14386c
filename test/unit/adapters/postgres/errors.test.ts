import postgres from 'postgres'
import t from 'tap'
import { databaseError, databaseFault, isPassing, isRefusal } from '../../../../src/adapters/postgres/errors.ts'

interface Said {
  readonly code: string
  readonly severity?: string
  readonly message?: string
  readonly routine?: string
}

/** As the driver makes one of what the server sent; its types have no constructor. */
function serverError({ code, severity = 'ERROR', message = '', routine = '' }: Said): Error {
  return new (postgres.PostgresError as unknown as new (fields: object) => Error)({ code, severity, message, routine })
}

t.test('whatever ends a session or keeps one from being opened is an unavailable database', async t => {
  for (const code of [
    '57P03',
    '57P01',
    '57P02',
    '57P04',
    '57P05',
    '53300',
    '08006',
    '08P01',
    '58030',
    'XX000',
    '25P03',
    '55P03',
  ]) {
    const error = serverError({ code, severity: 'FATAL' })
    t.match(databaseError(error), { code: 'database_unavailable', retryAfter: 1, cause: error }, code)
    t.notOk(isRefusal(error), code)
  }
})

t.test('what somebody must put right has no time to try again at, and is known as a refused login', async t => {
  for (const code of ['28P01', '28000', '3D000', '42501', '55000', '42704', '22023']) {
    const error = serverError({ code, severity: 'FATAL' })
    t.match(databaseError(error), { code: 'database_unavailable', retryAfter: undefined, cause: error }, code)
    t.ok(isRefusal(error), code)
    t.equal(databaseFault(error), 'login', code)
    t.notOk(isRefusal(serverError({ code })), `${code} of a statement`)
  }
})

const stale: readonly Said[] = [
  { code: 'XX000', message: 'cache lookup failed for type 51194' },
  { code: 'XX000', message: 'cache lookup failed for function 51200' },
  { code: 'XX000', message: 'could not open relation with OID 51210' },
  { code: '0A000', message: 'gecachter Plan darf den Ergebnistyp nicht ändern', routine: 'RevalidateCachedQuery' },
  { code: '26000' },
  { code: '3F000' },
  { code: '42703' },
  { code: '42704' },
  { code: '42883' },
  { code: '42P01' },
]

t.test('what a session lost to a restore passes: the server is well, another connection will do', async t => {
  for (const said of stale) {
    const failure = databaseError(serverError(said))
    t.match(failure, { code: 'database_unavailable', retryAfter: 1 }, said.code)
    t.ok(isPassing(failure), said.code)
    t.equal(databaseFault(failure), null, said.code)
  }
})

t.test('so does what yielded to another transaction, and that is still counted', async t => {
  t.ok(isPassing(databaseError(serverError({ code: '40001' }))))
  t.ok(isPassing(databaseError(serverError({ code: '40P01' }))))
  t.equal(databaseFault(databaseError(serverError({ code: '40P01' }))), 'deadlock')
})

t.test('a fault of ours, or of the data, stays what it is', async t => {
  for (const said of [
    { code: 'XX000', message: 'no relation entry for relid 3' },
    { code: 'XX001' },
    { code: '0A000' },
    { code: '42601' },
    { code: '55000' },
  ]) {
    const error = serverError(said)
    t.equal(databaseError(error), error, said.code)
  }
  t.equal(databaseFault(serverError({ code: 'XX001' })), 'broken')
})

t.test('a missing right: clients see only that; the cause has the object and the GRANT', async t => {
  for (const [message, words] of [
    [
      'permission denied for table chunks',
      /: let the owner run: grant select, insert, update, delete on table chunks to/,
    ],
    ['keine Berechtigung für Tabelle chunks', /: let the owner run: grant select, .* on table chunks to ROLE/],
    ['permission denied for schema askwell', /: let the owner run: grant usage on schema askwell to ROLE/],
    ['permission denied for sequence one_seq', /grant usage, select on sequence one_seq to ROLE/],
    ['must be owner of table chunk_vectors', /alter table chunk_vectors owner to ROLE/],
    ['permission denied for language c', /: give the role in DATABASE_URL this right/],
  ] as const) {
    const error = serverError({ code: '42501', message, routine: 'aclcheck_error' })
    const failure = databaseError(error)
    t.match(failure, { code: 'database_unavailable', cause: { message: words, cause: error } }, message)
    t.notMatch(failure, { detail: /chunks|grant / })
    t.equal(databaseFault(failure), 'forbidden')
    t.equal(databaseFault(error), 'forbidden')
  }
  const policy = serverError({ code: '42501', message: 'new row violates …', routine: 'ExecWithCheckOptions' })
  t.match(databaseError(policy), { cause: { message: /: give the role in DATABASE_URL this right/ } })
})
