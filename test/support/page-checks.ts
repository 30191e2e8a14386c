/**
 * Checks of a displayed page, as expressions for `page.evaluate`. They are strings because they run in the page and the
 * tests have no DOM types. Each returns a list of faults.
 */

/** Texts with a contrast below 4.5 (WCAG) against their background, and chart lines with a contrast below 3. */
export const faint = `(() => {
  const numbers = colour => (colour.match(/[\\d.]+/g) ?? []).map(Number)
  const isGrey = element => element.closest('.stale') !== null
  const greyed = ([r, g, b], grey) => grey ? Array(3).fill(.2126 * r + .7152 * g + .0722 * b) : [r, g, b]
  const luminance = rgb => rgb.map(part => part / 255).map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4).reduce((sum, part, at) => sum + part * [.2126, .7152, .0722][at], 0)
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, alpha = 1] = numbers(getComputedStyle(at).backgroundColor)
      if (alpha === 1) return [r, g, b]
    }
    return [255, 255, 255]
  }
  const ratio = (element, colour) => {
    const [one, two] = [numbers(colour), behind(element)].map(rgb => luminance(greyed(rgb, isGrey(element)))).sort((a, b) => b - a)
    return (one + .05) / (two + .05)
  }
  const faults = []
  let checked = 0
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement
    if (!walker.currentNode.data.trim() || ['SCRIPT', 'STYLE', 'NOSCRIPT', 'TITLE'].includes(element.tagName) || !element.checkVisibility()) continue
    checked++
    const found = ratio(element, getComputedStyle(element).color)
    if (found < 4.5) faults.push(found.toFixed(2) + ' ' + walker.currentNode.data.slice(0, 40))
  }
  for (const line of document.querySelectorAll('.plot path:not(.area):not(.bar), .key path, .icon')) {
    const style = getComputedStyle(line)
    checked++
    const found = ratio(line.closest('div, li, p'), line.matches('.icon') ? style.color : style.stroke)
    if (found < 3) faults.push(found.toFixed(2) + ' line ' + line.getAttribute('class'))
  }
  if (checked < 8) faults.push('only ' + checked + ' texts were found')
  return faults
})()`

/** Elements that extend beyond the right edge of the window or need horizontal scrolling. */
export const tooWide = `(() => {
  const isOut = element => element.getBoundingClientRect().right > innerWidth + .5 || (element.matches('.wide') && element.scrollWidth > element.clientWidth + 1)
  const out = [...document.querySelectorAll('body *')].filter(element => element.checkVisibility() && !element.closest('svg') && isOut(element))
  return [...out.map(element => element.tagName + ' ' + element.textContent.slice(0, 40)), ...(document.documentElement.scrollWidth > innerWidth ? ['the page scrolls sideways'] : [])]
})()`

/** Accessibility problems for users who do not see the page. */
export const unreadable = `(() => {
  const seen = selector => [...document.querySelectorAll(selector)].filter(element => element.checkVisibility())
  const faults = []
  const need = (isFine, words) => isFine || faults.push(words)
  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id)
  need(new Set(ids).size === ids.length, 'ids are not unique')
  for (const name of ['aria-controls', 'aria-labelledby', 'aria-describedby', 'for']) {
    for (const element of document.querySelectorAll('[' + name + ']')) need(document.getElementById(element.getAttribute(name)), name + ' leads nowhere: ' + element.getAttribute(name))
  }
  need(document.documentElement.lang === 'en' && document.querySelectorAll('main').length === 1 && document.querySelectorAll('h1').length === 1, 'lang, main and h1')
  let level = 0
  for (const heading of seen('h1, h2, h3, h4')) {
    const now = Number(heading.tagName[1])
    need(now <= level + 1, 'a level is left out before: ' + heading.textContent)
    level = now
  }
  for (const button of seen('button, a, input')) need((button.labels?.[0] ?? button).textContent.trim() !== '', 'has no name: ' + button.outerHTML.slice(0, 60))
  for (const button of seen('button, input:not([type=range])')) need(button.getBoundingClientRect().height >= 24, 'is too small to hit: ' + button.textContent)
  for (const table of seen('table')) need(table.caption?.textContent && [...table.querySelectorAll('th')].every(cell => cell.scope), 'a table without caption or scopes')
  for (const svg of seen('svg')) need(svg.closest('[aria-hidden=true]'), 'a drawing is not hidden from who does not see it')
  for (const figure of seen('figure')) need(/\\d|–/.test(figure.querySelector('figcaption').textContent), 'a chart without words: ' + figure.textContent)
  need(document.querySelectorAll('[aria-live]').length === 1, 'more than the verdict is read out')
  for (const element of document.querySelectorAll('[tabindex]')) need(element.tabIndex <= 0, 'changes the order of focus: ' + element.id)
  return faults
})()`

/** Positions of all elements that are not text, to detect visible jumps. */
export const places = `[...document.querySelectorAll('body *')].filter(element => !element.matches('code, b, span, p, .icon, .icon *, .plot svg *')).map(element => {
  const { x, y, width, height } = element.getBoundingClientRect()
  return [element.tagName, element.className.baseVal ?? element.className, x, y + scrollY, width, height].join(' ')
})`
