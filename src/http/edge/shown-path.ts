/** A path can be as long as the header limit allows; a log line should not be. */
const longestShown = 300

/** Shortens a URL for people, and drops the query, which may contain a key or a name. */
export function shownPath(url: string): string {
  const path = url.split('?', 1)[0] ?? url
  return path.length > longestShown ? `${path.slice(0, longestShown)}… (${path.length} characters)` : path
}
