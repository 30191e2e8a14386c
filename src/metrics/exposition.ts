import { Registry, type RegistryContentType } from 'prom-client'

export interface Exposition {
  readonly contentType: string
  readonly text: string
}

/** Returns OpenMetrics, the format with exemplars, if the client prefers it, else the Prometheus text format. */
export async function expose(registry: Registry, accept: string): Promise<Exposition> {
  const source = prefersOpenMetrics(accept) ? asOpenMetrics(registry) : registry
  return { contentType: source.contentType, text: (await source.metrics()).replace(misspelledNaN, ' NaN') }
}

/** prom-client writes NaN as `Nan`. Event loop delays are NaN if they were read a moment before. */
const misspelledNaN = / Nan$/gm

/** Prometheus lists OpenMetrics first, with a higher `q`. A browser does not list it. */
export function prefersOpenMetrics(accept: string): boolean {
  const quality = qualitiesIn(accept)
  const open = quality.get('application/openmetrics-text') ?? 0
  return open > 0 && open >= (quality.get('text/plain') ?? 0)
}

function qualitiesIn(accept: string): Map<string, number> {
  const qualities = new Map<string, number>()
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map(part => part.trim())
    const q = Number(parameters.find(each => each.startsWith('q='))?.slice(2) ?? 1)
    qualities.set(type, Math.max(qualities.get(type) ?? 0, q))
  }
  return qualities
}

/** The part of a metric that prom-client's registry uses to write it. */
interface WritableMetric {
  name: string
  readonly type: unknown
  get(): Promise<object>
  getForPromString?(): Promise<object>
}

/**
 * Makes a separate registry per scrape. prom-client has one format per registry and, when it writes OpenMetrics,
 * removes `_total` from the counters' own names, which would corrupt a concurrent scrape of the other format.
 */
function asOpenMetrics(registry: Registry): Registry<RegistryContentType> {
  const open = new Registry<RegistryContentType>()
  open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  for (const metric of registry.getMetricsAsArray() as unknown as WritableMetric[])
    open.registerMetric(viewOf(metric) as never)
  return open
}

function viewOf(metric: WritableMetric): WritableMetric {
  const name = metric.name.replace(/_total$/, '')
  const read = async () => ({ ...(await (metric.getForPromString?.() ?? metric.get())), name })
  return { name, type: metric.type, get: read }
}
