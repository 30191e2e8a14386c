import t from 'tap'
import { openClient } from '../../src/adapters/postgres/client.ts'
import { skipReason } from '../support/app.ts'
import { administer, startPostgres } from '../support/postgres.ts'

/** What `sslmode` means, against a server with a certificate of its own making and one that speaks no TLS. */

async function isEncrypted(url: string): Promise<boolean> {
  const client = openClient(url, { name: 'tls test', statementTimeoutMs: 0 })
  try {
    const [row] = await client.sql`select ssl from pg_stat_ssl where pid = pg_backend_pid()`
    return row?.['ssl'] === true
  } finally {
    await client.end(1000)
  }
}

t.test('sslmode', { skip: skipReason('postgres') }, async t => {
  const [secure, plain] = await Promise.all([startPostgres(t, { isEncrypted: true }), startPostgres(t)])
  const [row] = await administer(secure.adminUrl, sql => sql`show ssl_cert_file`)
  const named = secure.adminUrl.replace('127.0.0.1', 'localhost')
  const root = `sslrootcert=${encodeURIComponent(String(row?.['ssl_cert_file']))}`

  for (const [wish, expected] of [
    ['', true],
    ['?sslmode=disable', false],
    ['?sslmode=prefer', true],
    ['?sslmode=allow', true],
    ['?sslmode=require', true],
    ['?sslmode=no-verify', true],
    [`?sslmode=verify-ca&${root}`, true],
    [`?sslmode=verify-full&${root}`, true],
    [`?sslmode=require&${root}`, true],
  ] as const)
    t.equal(await isEncrypted(named + wish), expected, wish || 'none said')

  await t.rejects(
    isEncrypted(`${named}?sslmode=verify-full`),
    { code: 'database_unavailable', detail: /DEPTH_ZERO_SELF_SIGNED_CERT.*sslrootcert=FILE/ },
    'nobody vouches for it',
  )
  await t.rejects(isEncrypted(`${named}?sslmode=verify-ca`), {
    code: 'database_unavailable',
    detail: /DEPTH_ZERO_SELF_SIGNED_CERT/,
  })
  await t.rejects(
    isEncrypted(`${secure.adminUrl}?sslmode=verify-full&${root}`),
    { code: 'database_unavailable', detail: /for another host/ },
    'it is for another name',
  )
  t.equal(await isEncrypted(`${plain.adminUrl}?sslmode=prefer`), false)
  await t.rejects(isEncrypted(`${plain.adminUrl}?sslmode=require`), {
    code: 'database_unavailable',
    detail: /does not speak TLS, and sslmode is require/,
  })
})
