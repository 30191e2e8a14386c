import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import tap from 'tap'

tap.test('texts are composed in one place, where runs of marks are bounded first', async t => {
  const folder = fileURLToPath(new URL('../../../src/', import.meta.url))
  const files = globSync('**/*.ts', { cwd: folder }).filter(file =>
    /\.normalize\('NFK?C'\)/.test(readFileSync(folder + file, 'utf8')),
  )
  // The operator's own password is no text of a stranger.
  t.strictSame(files.toSorted(), ['adapters/postgres/saslprep.ts', 'text/normal-form.ts'])
})
