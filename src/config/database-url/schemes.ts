import { UrlFault } from './terms.ts'

const form = 'postgres://USER:PASSWORD@HOST:PORT/DATABASE'

/** Throws if the text is an address as other tools write it. The scheme is shown; what follows may hold a password. */
export function rejectScheme(text: string): void {
  if (/^["'`]/.test(text)) throw new UrlFault('is in quotation marks; remove them')
  if (/^psql\s/i.test(text)) throw new UrlFault('is a psql command; write only the URL in it')
  if (/^jdbc:/i.test(text))
    throw new UrlFault(`is in the form of JDBC; write ${form}, with user and password before the host`)
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) throw new UrlFault(`does not begin with postgres://; write ${form}`)
  if (scheme === 'postgres' || scheme === 'postgresql') return
  throw new UrlFault(`begins with ${scheme}://, ${adviceOn(scheme)}`)
}

const advice: Readonly<Record<string, string>> = {
  ecto: `the form of Ecto; write ${form}`,
  pgsql: `the form of PHP; write ${form}`,
  psql: `the form of django-environ; write ${form}`,
  postgis: `the form of GeoDjango; write ${form}`,
  timescaledb: `the form of SQLAlchemy; write ${form}`,
  cockroachdb: 'but CockroachDB is not supported; Askwell needs Postgres with pgvector',
  cockroach: 'but CockroachDB is not supported; Askwell needs Postgres with pgvector',
  redshift: 'but Redshift is not supported; Askwell needs Postgres with pgvector',
  prisma: 'the address of Prisma Accelerate, which does not speak to Postgres clients; write the URL of the database',
  'prisma+postgres':
    'the address of Prisma Accelerate, which does not speak to Postgres clients; write the URL of the database',
  http: 'the address of an HTTP service; copy the connection string of the database instead',
  https: 'the address of an HTTP service; copy the connection string of the database instead',
}

function adviceOn(scheme: string): string {
  const known = advice[scheme]
  if (known !== undefined) return known
  if (/^postgres(ql)?\+(ssl|tls)$/.test(scheme))
    return 'which is not Postgres’ form; write postgres:// and ?sslmode=require'
  if (/^postgres(ql)?\+/.test(scheme)) return 'the form of SQLAlchemy; write postgresql:// without a driver'
  return `which is not Postgres; write ${form}`
}
