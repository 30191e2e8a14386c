import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

/** `npm ci` is the first thing that a newcomer sees: on the Node that the README asks for it warns of nothing. */

/** What npm itself compares with. It has no types. */
const { satisfies, minVersion } = createRequire(import.meta.url)('semver') as {
  satisfies(version: string, range: string): boolean
  minVersion(range: string): { readonly version: string }
}

interface Package {
  readonly engines?: { readonly node?: string }
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly optional?: boolean
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const textOf = (path: string) => readFileSync(root + path, 'utf8')
const { packages } = JSON.parse(textOf('package-lock.json')) as { packages: Record<string, Package> }
const asked = String((JSON.parse(textOf('package.json')) as Package).engines?.node)
const least = minVersion(asked).version

/** What is installed here; binaries for other systems are not. */
const installed = Object.entries(packages).filter(
  ([path, { os, cpu }]) =>
    path !== '' && (os?.includes(process.platform) ?? true) && (cpu?.includes(process.arch) ?? true),
)

const unfit = (version: string) =>
  installed
    .filter(([, { engines }]) => engines?.node !== undefined && !satisfies(version, engines.node))
    .map(([path, { engines }]) => `${path} wants ${engines?.node}`)

t.test('the version is one: in package.json, in the lock and in the README', async t => {
  t.equal(packages['']?.engines?.node, asked)
  t.match(textOf('README.md'), `You need Node ${least.replace(/\.0$/, '')} or newer and npm`)
})

t.test('no package excludes it, nor the Node that these tests run on', async t => {
  t.ok(installed.length > 300)
  t.same(unfit(least), [])
  t.same(unfit(process.version), [])
  t.ok(satisfies(process.version, asked))
})

t.test('it asks for no more than they do', async t => {
  const [major, minor] = least.split('.').map(Number) as [number, number]
  t.not(unfit(`${major}.${minor - 1}.0`).length, 0)
})

const hasNpm = spawnSync('npm', ['--version']).status === 0

t.test('npm ci warns of no engine', { skip: hasNpm ? false : 'npm is not installed' }, async t => {
  // In the words of npm itself; nothing is fetched and nothing is written.
  const env = { PATH: `${dirname(process.execPath)}:${process.env['PATH']}`, HOME: process.env['HOME'] }
  const { status, stderr } = spawnSync('npm', ['ci', '--dry-run', '--ignore-scripts', '--offline', '--no-audit'], {
    cwd: root,
    env,
    encoding: 'utf8',
  })
  t.equal(status, 0, stderr)
  t.notMatch(stderr, /EBADENGINE|Unsupported engine/)
})
