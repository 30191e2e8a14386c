import type { Page } from 'playwright-core'
import tap, { type Test } from 'tap'
import { startApp } from '../support/app.ts'
import { browserSkipReason, closeBrowser, openWindow, type Window, type WindowOptions } from '../support/browser.ts'
import { figuresKey, healths, serveFigures, type Condition, type Figures } from '../support/monitoring-figures.ts'
import { faint, places, tooWide, unreadable } from '../support/page-checks.ts'
import { until } from '../support/until.ts'

/** GET /monitoring in a real browser, over figures that are made up in the shape of the contract. */

tap.teardown(closeBrowser)
tap.jobs = 1

const needsBrowser = { skip: browserSkipReason() }

const shown: Readonly<Record<Condition, { readonly word: string; readonly says: RegExp }>> = {
  calm: { word: 'OK', says: /No known problems\./ },
  busy: { word: 'Degraded', says: /Check: Connection pool\..*Connection pool: Of the last minute’s 2,310 leases/s },
  'redis gone': { word: 'Degraded', says: /Check: Redis\..*Redis: Redis refuses connections since 41 s/s },
  'postgres frozen': {
    word: 'Failing',
    says: /Check: Postgres, Connection pool\..*Postgres: Postgres accepts connections and answers nothing/s,
  },
  'model failing': { word: 'Degraded', says: /Check: Chat model\..*38 of the last 40 calls/s },
  overload: { word: 'Failing', says: /Check: Traffic, This process\..*940 questions a second come/s },
  starting: { word: 'Starting', says: /No data has arrived yet/ },
  locked: { word: 'Key required', says: /monitoring key/ },
  broken: { word: 'No data', says: /No data has arrived yet/ },
}
const conditions = Object.keys(shown) as Condition[]

interface Opened extends Window {
  readonly figures: Figures
}

/** The page with the first figures, or the first refusal, on it. Its clock goes on by hand: `goOn`. */
async function open(t: Test, condition: Condition, options: WindowOptions = {}): Promise<Opened> {
  const figures = await serveFigures(t, condition)
  const window = await openWindow(t, options)
  // Stopped before the page is there: on a slow machine it would ask again while it is looked at.
  await window.page.clock.install()
  await window.page.clock.pauseAt(Date.now() + 1000)
  await window.page.goto(`${figures.url}/monitoring`)
  await comesToSay(window.page, shown[condition].word)
  return { ...window, figures }
}

async function comesToSay(page: Page, word: string): Promise<void> {
  await page.locator('#word h2', { hasText: new RegExp(`^${word}$`) }).waitFor()
}

/** Until the page has asked again, and shows what it was told. */
async function goOn({ page, figures }: Opened): Promise<void> {
  const before = figures.asked
  await page.clock.runFor(3100)
  await until('the page asks again', () => figures.asked >= before + 2)
  await page.locator('#age', { hasText: /^[01]\ss ago$/ }).waitFor()
}

/** Chromium itself tells of every reply that is no 200, and of every connection that is refused. */
const ownComplaints = ({ complaints }: Window) => complaints.filter(text => !text.startsWith('Failed to load resource'))

for (const condition of conditions) {
  tap.test(
    `${condition}: the page says “${shown[condition].word}” and why, and nothing complains`,
    needsBrowser,
    async t => {
      const opened = await open(t, condition)
      const { page, figures, addresses } = opened
      t.match(await page.locator('#verdict').innerText(), shown[condition].says)
      t.match(await page.locator('#mini').innerText(), shown[condition].word)
      t.match(await page.title(), shown[condition].word)
      t.same(ownComplaints(opened), [])
      if (healths.includes(condition as never)) t.same(opened.complaints, [])
      const known = ['/monitoring', '/monitoring/performance-metrics', '/monitoring/pool-status'].map(
        path => figures.url + path,
      )
      t.same(
        [...new Set(addresses)].filter(address => !known.includes(address)),
        [],
        'nobody else is asked',
      )
      t.equal(addresses.length, 3)
    },
  )
}

for (const scheme of ['light', 'dark'] as const) {
  for (const [width, height] of [
    [360, 740],
    [1280, 900],
  ] as const) {
    tap.test(
      `${width} px, ${scheme}: every text is legible, nothing is cut off, all can be read out`,
      needsBrowser,
      async t => {
        for (const condition of conditions) {
          const { page } = await open(t, condition, { width, height, scheme })
          t.same(await page.evaluate(faint), [], `${condition}: contrast`)
          t.same(await page.evaluate(tooWide), [], `${condition}: width`)
          t.same(await page.evaluate(unreadable), [], `${condition}: for who does not see it`)
          await page.context().close()
        }
      },
    )
  }
}

tap.test('a service that is gone: the last figures stay, greyed, until it is back', needsBrowser, async t => {
  const opened = await open(t, 'busy')
  const { page } = opened
  const before = await page.locator('#parts').innerText()
  await page.context().setOffline(true)
  await page.clock.runFor(3100)
  await comesToSay(page, 'No reply')
  t.match(
    await page.locator('#banner').innerText(),
    /cannot be reached\. The data below is from \d\d:\d\d:\d\d\. Retrying every 3 s\./,
  )
  t.match(await page.locator('#verdict').innerText(), /The last verdict was “degraded”\./)
  t.equal(await page.locator('#parts').innerText(), before)
  t.equal(await page.locator('#rest').getAttribute('class'), 'stale')
  t.same(await page.evaluate(faint), [])
  await page.clock.runFor(20_000)
  t.match(await page.locator('#age').innerText(), /^2\d\ss ago$/)
  await page.context().setOffline(false)
  await page.clock.runFor(3100)
  await comesToSay(page, 'Degraded')
  t.equal(await page.locator('#banner').isVisible(), false)
  t.equal(await page.locator('#rest').getAttribute('class'), '')
})

tap.test('a service that starts: the page says so, and goes on by itself', needsBrowser, async t => {
  const opened = await open(t, 'starting')
  t.match(await opened.page.locator('#banner').innerText(), /The service is starting\. Retrying every 3 s\./)
  opened.figures.become('calm')
  await goOn(opened)
  await comesToSay(opened.page, 'OK')
})

tap.test(
  'a reply that nobody foresaw, or one of two that fails: the page says so, and goes on',
  needsBrowser,
  async t => {
    const opened = await open(t, 'calm')
    const { page, figures } = opened
    figures.overlay({ windows: { '1m': 5, '5m': null }, recommendations: 'none' })
    await page.clock.runFor(3100)
    await page.locator('#banner', { hasText: 'This page cannot display the reply of the service' }).waitFor()
    figures.overlay({})
    await goOn(opened)
    t.equal(await page.locator('#banner').isVisible(), false)
    await page.route('**/performance-metrics', route =>
      route.fulfill({ status: 500, json: { title: 'Internal error' } }),
    )
    await page.clock.runFor(3100)
    await page
      .locator('#banner', {
        hasText: 'The service replied 500: Internal error. Some of the data below is older.',
      })
      .waitFor()
    t.equal(await page.locator('#word h2').innerText(), 'OK')
  },
)

tap.test(
  'figures behind a key: nothing is asked until one is given; it goes along as a header and stays in the tab',
  needsBrowser,
  async t => {
    const opened = await open(t, 'locked')
    const { page, figures } = opened
    t.equal(await page.locator('#rest').isVisible(), false)
    t.equal(await page.evaluate('document.activeElement.id'), 'secret')
    const asked = figures.asked
    await page.clock.runFor(30_000)
    t.equal(figures.asked, asked, 'guesses are counted')
    await page.keyboard.type('wrong')
    await page.keyboard.press('Enter')
    await page.getByText('The service does not accept this key.').waitFor()
    t.equal(figures.authorization, 'Bearer wrong')
    await page.keyboard.type('ключ')
    await page.keyboard.press('Enter')
    await page.getByText('A key contains only printable ASCII characters.').waitFor()
    await page.locator('#secret').fill(figuresKey)
    await page.keyboard.press('Enter')
    await comesToSay(page, 'OK')
    t.equal(await page.locator('#key').isVisible(), false)
    t.equal(await page.locator('#secret').inputValue(), '')
    t.equal(
      await page.evaluate('document.cookie + JSON.stringify(localStorage) + location.href'),
      `{}${figures.url}/monitoring`,
    )
    await page.reload()
    await comesToSay(page, 'OK')
    t.same(ownComplaints(opened), [])
  },
)

tap.test(
  'by keyboard: skip link, pause, look back and windows, in this order, and one sees where one is',
  needsBrowser,
  async t => {
    const { page } = await open(t, 'busy')
    const stops: unknown[] = []
    for (let at = 0; at < 5; at++) {
      await page.keyboard.press('Tab')
      stops.push(await page.evaluate('document.activeElement.id || document.activeElement.className'))
      t.match(
        await page.evaluate('getComputedStyle(document.activeElement).outline'),
        /solid 3px/,
        `focus shows on ${String(stops.at(-1))}`,
      )
    }
    t.same(stops, ['skip', 'pause', 'look', 'tab-5m', 'figures'])
    await page.keyboard.press('Shift+Tab')
    const covered = {
      'tab-1m': /Covers the last 60\ss\./,
      'tab-15m': /The service started recently: this covers 12\smin\./,
    } as const
    for (const [key, tab] of [
      ['ArrowRight', 'tab-15m'],
      ['ArrowRight', 'tab-1m'],
      ['ArrowLeft', 'tab-15m'],
      ['Home', 'tab-1m'],
      ['End', 'tab-15m'],
    ] as const) {
      await page.keyboard.press(key)
      t.same(
        await page.evaluate(
          '[document.activeElement.id, document.activeElement.ariaSelected, document.querySelectorAll("[role=tab][aria-selected=true]").length, document.querySelector("#figures").getAttribute("aria-labelledby")]',
        ),
        [tab, 'true', 1, tab],
      )
      t.match(await page.locator('#figures').innerText(), covered[tab])
    }
  },
)

tap.test('look back: all charts tell the values of then', needsBrowser, async t => {
  const { page } = await open(t, 'postgres frozen')
  const waiting = () => page.locator('#charts li', { hasText: 'waiting' }).locator('b').innerText()
  t.ok(Number(await waiting()) > 50)
  await page.locator('#look').focus()
  for (let at = 0; at < 30; at++) await page.keyboard.press('ArrowLeft')
  t.equal(await waiting(), '0', 'five minutes ago there was no trouble')
  t.match(await page.locator('#when').innerText(), /^\d\d:\d\d:\d\d, 5\smin ago$/)
  t.equal(await page.locator('#charts .cursor').count(), 6)
  await page.keyboard.press('End')
  t.equal(await page.locator('#when').innerText(), 'now')
})

for (const width of [360, 1280]) {
  tap.test(`${width} px, new figures: nothing moves, and focus stays where it is`, needsBrowser, async t => {
    const opened = await open(t, 'busy', { width })
    const { page } = opened
    await page.locator('#tab-5m').focus()
    const [before, stood] = [await page.locator('#figures').innerText(), await page.evaluate(places)]
    await page.evaluate('for (const each of document.querySelectorAll("#rest *")) each.isOld = true')
    for (let at = 0; at < 4; at++) await goOn(opened)
    t.not(await page.locator('#figures').innerText(), before)
    t.equal(
      await page.evaluate('[...document.querySelectorAll("#rest *")].filter(each => !each.isOld).length'),
      0,
      'nothing is made anew: what was selected stays so',
    )
    t.same(await page.evaluate(places), stood)
    t.equal(await page.evaluate('document.activeElement.id'), 'tab-5m')
  })
}

tap.test('a page that nobody sees, or that is paused, asks nothing', needsBrowser, async t => {
  const opened = await open(t, 'calm')
  const { page, figures } = opened
  const see = (isHidden: boolean) =>
    page.evaluate(
      `Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true }); document.dispatchEvent(new Event('visibilitychange'))`,
    )
  await see(true)
  const asked = figures.asked
  await page.clock.runFor(60_000)
  t.equal(figures.asked, asked)
  await see(false)
  await until('it asks at once when it is seen again', () => figures.asked === asked + 2)
  await page.locator('#pause').click()
  await page.locator('#age', { hasText: /^paused, / }).waitFor()
  await page.clock.runFor(60_000)
  t.equal(figures.asked, asked + 2)
  t.match(await page.locator('#age').innerText(), /^paused, \d+\ss ago$/)
  await page.locator('#pause').click()
  await until('it asks at once when it goes on', () => figures.asked === asked + 4)
})

tap.test('what users bring in is text, whatever it looks like', needsBrowser, async t => {
  const figures = await serveFigures(t, 'calm')
  const evil = '<img src=x onerror="document.title=1"><script>document.title=1</script>'
  const slow = {
    fingerprint: evil,
    count: 1,
    max_ms: 1,
    last_at: new Date().toISOString(),
    mode: evil,
    language: evil,
    slowest_stage: evil,
    trace_id: evil,
    question: evil,
  }
  figures.overlay({
    findings: [{ culprit: evil, severity: 'info', code: evil, detail: evil }],
    slow_questions: [slow],
    breakers: { [evil]: evil },
    version: evil,
  })
  const { page, complaints } = await openWindow(t)
  await page.goto(`${figures.url}/monitoring`)
  await comesToSay(page, 'OK')
  t.equal(await page.locator('img, body script:not([type=module])').count(), 0)
  t.equal((await page.locator('#slow').innerText()).split(evil).length - 1, 6)
  t.same(complaints, [])
})

tap.test(
  'figures of a service without traffic, or with parts that are off: dashes, no errors',
  needsBrowser,
  async t => {
    const figures = await serveFigures(t, 'calm')
    const none = Array(90).fill(null)
    const quiet = {
      seconds: 3,
      requests: 0,
      per_second: 0,
      errors: 0,
      error_ratio: null,
      latency_ms: {},
      stages_ms: {},
      caches: {},
      models: { calls: 0, cost: null },
    }
    figures.overlay(
      {
        windows: { '1m': quiet, '5m': quiet, '15m': quiet },
        breakers: {},
        slow_questions: undefined,
        series: {
          step_s: 10,
          from: new Date().toISOString(),
          requests: none,
          errors: none,
          refused: none,
          degraded: none,
          p50_ms: none,
          p95_ms: none,
          cache_hits: none,
          cache_misses: none,
          pool_checked_out: none,
          pool_waiting: none,
          in_flight: none,
          stages_p95_ms: {},
        },
      },
      { server: null, redis: { state: 'off' } },
    )
    const { page, complaints } = await openWindow(t)
    await page.goto(`${figures.url}/monitoring`)
    await comesToSay(page, 'OK')
    t.match(await page.locator('#figures').innerText(), /The service started recently: this covers 3\ss\./)
    t.notMatch(await page.locator('body').innerText(), /NaN|undefined|null|Infinity/)
    t.same(complaints, [])
  },
)

tap.test('the real service: the page shows what it does', needsBrowser, async t => {
  const app = await startApp(t, 'embedded')
  const { page, complaints } = await openWindow(t, { width: 360 })
  await page.goto(`${app.url}/monitoring`)
  await comesToSay(page, 'OK')
  t.same([complaints, await page.evaluate(tooWide), await page.evaluate(unreadable)], [[], [], []])
  t.notMatch(await page.locator('body').innerText(), /NaN|undefined|null/)
})

tap.test('the API reference: its style applies, and nothing complains', needsBrowser, async t => {
  const app = await startApp(t, 'embedded')
  const { page, complaints, addresses } = await openWindow(t)
  await page.goto(`${app.url}/docs`)
  t.equal(await page.evaluate('getComputedStyle(document.querySelector("nav")).position'), 'sticky')
  t.same(await page.evaluate(faint), [])
  t.same([complaints, addresses], [[], [`${app.url}/docs`]])
})
