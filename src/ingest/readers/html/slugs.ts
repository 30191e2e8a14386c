/** Creates anchors from headings as GitHub does: `What's new?` → `whats-new`, the second one `whats-new-1`. */
export function createSlugs(): (heading: string) => string {
  const timesSeen = new Map<string, number>()
  return function slugOf(heading) {
    const slug = plainSlug(heading)
    const seen = timesSeen.get(slug)
    timesSeen.set(slug, (seen ?? 0) + 1)
    if (seen === undefined) return slug
    const numbered = `${slug}-${seen}`
    // A later heading that is itself called "slug-1" must not get the same anchor.
    timesSeen.set(numbered, 1)
    return numbered
  }
}

function plainSlug(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '')
    .replace(/ /g, '-')
}
