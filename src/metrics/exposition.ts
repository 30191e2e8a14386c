import { Registry, type RegistryContentType } from 'prom-client'

export interface Exposition {
  readonly contentType: string
  readonly text: string
}

/** OpenMetrics, which has exemplars, where the reader would rather have it; else Prometheus' text format. */
export async function expose(registry: Registry, accept: string): Promise<Exposition> {
  const shown = prefersOpenMetrics(accept) ? asOpenMetrics(registry) : registry
  return { contentType: shown.contentType, text: (await shown.metrics()).replace(misspelt, ' NaN') }
}

/** prom-client's word for what is no number: delays of an event loop that was looked at a moment ago. */
const misspelt = / Nan$/gm

/** Prometheus names OpenMetrics first, with a higher `q`; a browser does not name it at all. */
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

/** What prom-client's registry uses of a metric when it writes it. */
interface Written {
  name: string
  readonly type: unknown
  get(): Promise<object>
  getForPromString?(): Promise<object>
}

/**
 * A registry of its own for each reader: prom-client has one format a registry, and takes `_total` off a counter's name
 * for good when it writes OpenMetrics, so that whoever reads the other format at the same time would find it gone.
 */
function asOpenMetrics(registry: Registry): Registry<RegistryContentType> {
  const open = new Registry<RegistryContentType>()
  open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  for (const metric of registry.getMetricsAsArray() as unknown as Written[])
    open.registerMetric(viewOf(metric) as never)
  return open
}

function viewOf(metric: Written): Written {
  const name = metric.name.replace(/_total$/, '')
  const read = async () => ({ ...(await (metric.getForPromString?.() ?? metric.get())), name })
  return { name, type: metric.type, get: read }
}
