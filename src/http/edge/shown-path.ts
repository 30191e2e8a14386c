/** As long as a header may be; a line of the log need not. */
const longestShown = 300

/** The path of an address for people, without what may stand behind the question mark: a key, a name. */
export function shownPath(url: string): string {
  const path = url.split('?', 1)[0] ?? url
  return path.length > longestShown ? `${path.slice(0, longestShown)}… (${path.length} characters)` : path
}
