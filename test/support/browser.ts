import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'
import type { Owner } from './server-process.ts'

/** A real browser that a test drives. Nothing is downloaded: it is Debian's Chromium, or what ASKWELL_TEST_CHROMIUM names. */

export interface Window {
  readonly page: Page
  /** What the browser complained of: errors and warnings of its console, a policy that was broken, an exception. */
  readonly complaints: readonly string[]
  /** Every address that was asked for, but for `data:`. */
  readonly addresses: readonly string[]
}

export interface WindowOptions {
  readonly width?: number
  readonly height?: number
  readonly scheme?: 'light' | 'dark'
}

const names = ['chromium', 'chromium-browser', 'google-chrome', 'chrome']

function programOf(): string | undefined {
  const named = process.env['ASKWELL_TEST_CHROMIUM']
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return named ?? folders.flatMap(folder => names.map(name => join(folder, name))).find(path => existsSync(path))
}

/** Why a test that needs a browser cannot run, for tap's `skip`; in CI that is an error instead. */
export function browserSkipReason(): string | false {
  if (programOf() !== undefined) return false
  const reason = 'no Chromium on this machine: run deploy/install-services.sh (Debian), or set ASKWELL_TEST_CHROMIUM'
  if (process.env['CI'] === 'true') throw new Error(reason)
  return reason
}

let shared: Promise<Browser> | undefined

/** One browser for a test file; it takes a second to start. `closeBrowser` in the file's own teardown. */
async function browserOf(): Promise<Browser> {
  // In a container there is no user namespace for its sandbox, and /dev/shm is small.
  const args = [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--disable-dev-shm-usage']
  return await (shared ??= chromium.launch({ executablePath: programOf()!, args }))
}

export async function closeBrowser(): Promise<void> {
  await (await shared)?.close()
}

/** A window with cookies and storage of its own; closed when the test ends. */
export async function openWindow(
  t: Owner,
  { width = 1280, height = 900, scheme = 'light' }: WindowOptions = {},
): Promise<Window> {
  const context = await (await browserOf()).newContext({ viewport: { width, height }, colorScheme: scheme })
  t.teardown(() => context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(180_000) // as until has: only a dead wait is ended
  const complaints: string[] = []
  const addresses: string[] = []
  page.on('console', message => void (['error', 'warning'].includes(message.type()) && complaints.push(message.text())))
  page.on('pageerror', error => void complaints.push(String(error)))
  page.on('request', request => void (request.url().startsWith('data:') || addresses.push(request.url())))
  return { page, complaints, addresses }
}
