import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { checkFiles } from '../../../src/adapters/postgres/tls.ts'
import { createRedisClient } from '../../../src/adapters/redis/client.ts'
import { readConfig } from '../../../src/config/config.ts'
import { readDatabaseUrl } from '../../../src/config/database-url.ts'
import { readRedisUrl } from '../../../src/config/redis-url.ts'
import { fileSettings, watchSecrets } from '../../../src/config/secret-files.ts'
import { AskError } from '../../../src/errors.ts'
import { until } from '../../support/until.ts'
import { faultsOf } from '../../support/config-faults.ts'

const folder = mkdtempSync(join(tmpdir(), 'askwell-test-secrets-'))
t.teardown(() => rmSync(folder, { recursive: true }))

function fileWith(name: string, content: string | Buffer): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

t.test('every secret may be in a file; the line end and a byte order mark are taken off', async t => {
  const samples: Record<string, string> = {
    DATABASE_URL: 'postgres://u:p@db/x',
    REDIS_URL: 'redis://:p@redis',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20x',
    OPENAI_HEADERS: 'x-team: a',
    EMBEDDING_HEADERS: 'x-team: a',
    RERANK_HEADERS: 'x-team: a',
  }
  for (const { name } of fileSettings) {
    const path = fileWith(name, `\ufeff${samples[name] ?? 'a-key-of-many-letters'}\r\n`)
    const more: Record<string, string> =
      name === 'RERANK_API_KEY' ? { RERANK_URL: 'http://r/v2', RERANK_MODEL: 'm' } : {}
    t.same(readConfig({ [`${name}_FILE`]: path, ...more }).secretFiles, [{ name, path }], name)
  }
  t.equal(readConfig({ DATABASE_URL_FILE: join(folder, 'DATABASE_URL') }).database.url, samples['DATABASE_URL'])
  t.equal(readConfig({ OPENAI_API_KEY_FILE: join(folder, 'OPENAI_API_KEY') }).models.apiKey, 'a-key-of-many-letters')
  t.ok(fileSettings.length >= 7)
})

t.test('no device is read as a file of keys or certificates: reading it would never end', async t => {
  t.match(faultsOf({ API_KEYS_FILE: '/dev/zero' }), [
    /^API_KEYS_FILE is "\/dev\/zero", which cannot be read \(not a file\)/,
  ])
  t.match(faultsOf({ API_KEYS_FILE: folder }), [/which cannot be read \(not a file\)/])
  const { tls } = readDatabaseUrl('postgres://db/x?sslmode=verify-full&sslrootcert=/dev/zero')!
  t.throws(
    () => checkFiles(tls),
    new AskError('database_unavailable', {
      detail: 'sslrootcert in DATABASE_URL names a file that cannot be read (not a file)',
    }),
  )
  t.throws(() => createRedisClient(readRedisUrl('rediss://127.0.0.1:1?ssl_ca_certs=/dev/zero')!, 100), {
    message: 'REDIS_URL names the file "/dev/zero", which cannot be read (not a file)',
  })
})

t.test('a file that cannot be used stops the start, and nothing of it is shown', async t => {
  const name = 'OPENAI_API_KEY_FILE'
  const faultOf = (path: string) => faultsOf({ [name]: path })
  t.match(faultOf(join(folder, 'nowhere')), [/^OPENAI_API_KEY_FILE is ".*nowhere", which cannot be read \(ENOENT\)$/])
  t.match(faultOf(folder), [/which is not a file/])
  t.match(faultOf('/dev/zero'), [/which is not a file/])
  t.match(faultOf(fileWith('empty', '\n')), [/which is empty/])
  t.match(faultOf(fileWith('utf16', Buffer.from('\ufeffhush', 'utf16le'))), [/which is not UTF-8 text/])
  t.match(faultOf(fileWith('lines', 'hush\nhush\n')), [/which has several lines/])
  t.match(faultOf(fileWith('long', 'x'.repeat(70_000))), [/which has 70000 bytes/])
  const both = faultsOf({ [name]: fileWith('key', 'hush'), OPENAI_API_KEY: 'hush' })
  t.same(both, ['OPENAI_API_KEY and OPENAI_API_KEY_FILE are both set; unset one of them'])
  const invalid = faultsOf({ ADMIN_API_KEY_FILE: fileWith('short', 'hush') })
  t.match(invalid, [/^ADMIN_API_KEY \(from ADMIN_API_KEY_FILE\) is invalid; it must be a key of at least 16/])
  for (const fault of [...both, ...invalid, ...faultOf(join(folder, 'lines'))]) t.notMatch(fault, /hush/)
})

t.test('a file of keys with a byte order mark', async t => {
  const key = { name: 'web', sha256: 'a'.repeat(64) }
  t.match(readConfig({ API_KEYS_FILE: fileWith('keys', `\ufeff${JSON.stringify([key])}`) }).keys, [key])
})

t.test('mounted like in Kubernetes: the link to the folder of all secrets is replaced', async t => {
  for (const [version, value] of [
    ['1', 'the-first-key-of-all\n'],
    ['2', 'the-second-key-of-all\n'],
  ] as const) {
    mkdirSync(join(folder, `..${version}`))
    writeFileSync(join(folder, `..${version}`, 'mounted'), value)
  }
  symlinkSync('..1', join(folder, '..data'))
  symlinkSync('..data/mounted', join(folder, 'mounted'))
  const lines: string[] = []
  const note = (line: string) => void lines.push(line)
  const secrets = watchSecrets([{ name: 'OPENAI_API_KEY', path: join(folder, 'mounted') }], {
    info: note,
    warn: note,
    error: note,
  } as never)
  t.teardown(secrets.close)
  let key = ''
  secrets.follow('OPENAI_API_KEY', text => void (key = text))
  secrets.reload()
  t.same([key, lines], ['', []], 'nothing has changed')
  symlinkSync('..2', join(folder, '..next'))
  renameSync(join(folder, '..next'), join(folder, '..data'))
  await until('the new key is found', () => key === 'the-second-key-of-all')
  t.same(lines, ['OPENAI_API_KEY_FILE has changed: the new value is used from now on'])
  rmSync(join(folder, 'mounted'))
  secrets.reload()
  t.match(lines[1], /^OPENAI_API_KEY_FILE is .*cannot be read \(ENOENT\): keeping the previous value$/)
  t.equal(key, 'the-second-key-of-all')
})

t.test('a URL whose host has changed, too: what needs a restart is said', async t => {
  for (const [name, first, login, host] of [
    ['DATABASE_URL', 'postgres://a:1@db/x', 'postgres://b:2@db/x', 'postgres://b:2@other/x'],
    ['REDIS_URL', 'redis://a:1@redis', 'redis://b:2@redis', 'rediss://b:2@redis'],
  ] as const) {
    const path = fileWith('url', first)
    const lines: string[] = []
    const note = (line: string) => void lines.push(line)
    const secrets = watchSecrets([{ name, path }], { info: note, warn: note, error: note } as never)
    t.teardown(secrets.close)
    secrets.follow(name, () => {})
    for (const url of [login, host]) {
      writeFileSync(path, url)
      secrets.reload()
    }
    t.same(lines, [
      `${name}_FILE has changed: the new value is used from now on`,
      `${name}_FILE has changed: its user and password are used from now on; restart Askwell to use the rest of the new value`,
    ])
  }
})
