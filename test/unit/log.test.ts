import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

/** The log goes to the stdout of its process, so that each case has its own. */
async function logOf(config: object, later: readonly string[]): Promise<string> {
  const module = fileURLToPath(new URL('../../src/log.ts', import.meta.url))
  const program = `
    const { createLogger, maskAlso } = await import(${JSON.stringify(module)})
    const log = createLogger(${JSON.stringify({ log: { level: 'info', questions: false }, ...config })})
    for (const secret of ${JSON.stringify(later)}) maskAlso(secret)
    log.error({ err: new Error('they say: hush%1 hush%2 hush%3') }, 'failed')
  `
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
  return stdout
}

t.test('passwords are masked in errors, wherever a URL has them', async t => {
  const database = [
    'postgres://u:hush%251@h/d',
    'postgres://u@h/d?password=hush%251',
    "host=h user=u password='hush%1'",
    'postgres://h/d?sslpassword=hush%251',
  ]
  const redis = ['redis://:hush%252@h', 'redis+sentinel://h/main?sentinel_password=hush%252']
  for (const url of [...database, ...redis]) {
    const [own, secret] = database.includes(url) ? ['database', 'hush%1'] : ['redis', 'hush%2']
    for (const text of [await logOf({ [own]: { url } }, []), await logOf({}, [url])]) {
      t.match(text, /they say: .*\[redacted\]/, url)
      t.notOk(text.includes(secret), url)
    }
  }
  for (const later of ['hush%3', 'they say: hush%1 hush%2 hush%3'])
    t.notOk((await logOf({}, [later])).includes('hush%3'), 'a key that was read after the start')
})
