import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright-core'
import type { Owner } from './server-process.ts'

/** A real browser for tests. Nothing is downloaded: it is Debian's Chromium or the program in ASKWELL_TEST_CHROMIUM. */

export interface Window {
  readonly page: Page
  /** Errors and warnings of the browser console, policy violations and exceptions. */
  readonly complaints: readonly string[]
  /** Every URL that was requested, except `data:` URLs. */
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

/** Reason for tap's `skip` if there is no browser, otherwise false. In CI it throws instead. */
export function browserSkipReason(): string | false {
  if (programOf() !== undefined) return false
  const reason = 'no Chromium on this machine: run deploy/install-services.sh (Debian), or set ASKWELL_TEST_CHROMIUM'
  if (process.env['CI'] === 'true') throw new Error(reason)
  return reason
}

let shared: Promise<Browser> | undefined

/** One browser per test file, because it takes a second to start. The file's teardown must call `closeBrowser`. */
async function browserOf(): Promise<Browser> {
  // A container has no user namespace for the sandbox, and its /dev/shm is small.
  const args = [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--disable-dev-shm-usage']
  return await (shared ??= chromium.launch({ executablePath: programOf()!, args }))
}

export async function closeBrowser(): Promise<void> {
  await (await shared)?.close()
}

/** Opens a window with its own cookies and storage and closes it when the test ends. */
export async function openWindow(
  t: Owner,
  { width = 1280, height = 900, scheme = 'light' }: WindowOptions = {},
): Promise<Window> {
  const context = await (await browserOf()).newContext({ viewport: { width, height }, colorScheme: scheme })
  t.teardown(() => context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(180_000) // like until: only ends a wait that is dead
  const complaints: string[] = []
  const addresses: string[] = []
  page.on('console', message => void (['error', 'warning'].includes(message.type()) && complaints.push(message.text())))
  page.on('pageerror', error => void complaints.push(String(error)))
  page.on('request', request => void (request.url().startsWith('data:') || addresses.push(request.url())))
  return { page, complaints, addresses }
}
