/**
 * Series whose values live here and are read when somebody looks, so that a job pays for an addition and not for a
 * look-up in the registry.
 *
 * Series of one name and the same attributes are one series, whichever scheduler of the process reports to them.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import { boundaries, catalogue, type MetricName } from "./MetricsCatalogue.ts"

type Attributes = Readonly<Record<string, string>>

/**
 * A count that only grows.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Counter {
  count = 0

  add(by: number): void {
    this.count += by
  }

  read(): Metric.CounterState<number> {
    return { count: this.count, incremental: true }
  }
}

/**
 * A distribution over fixed buckets.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Histogram {
  private readonly bounds: ReadonlyArray<number>
  /** Values up to each bound and above the one before it; the last slot is for those beyond all bounds. */
  private readonly counts: Float64Array
  /** Sum, least and greatest value, in a typed array so that no update allocates. */
  private readonly moments = Float64Array.of(0, Infinity, -Infinity)

  constructor(bounds: ReadonlyArray<number>) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  add(value: number): void {
    const { bounds, counts, moments } = this
    let slot = 0
    // most values are small, and the bounds are few
    while (slot < bounds.length && value > bounds[slot]!) slot++
    counts[slot]!++
    moments[0]! += value
    if (value < moments[1]!) moments[1] = value
    if (value > moments[2]!) moments[2] = value
  }

  read(): Metric.HistogramState {
    let count = 0
    const buckets = this.bounds.map((bound, slot): [number, number] => {
      count += this.counts[slot]!
      return [bound, count]
    })
    count += this.counts[this.bounds.length]!
    const [sum, min, max] = this.moments
    return { buckets, count, sum: sum!, min: count === 0 ? 0 : min!, max: count === 0 ? 0 : max! }
  }
}

/** The series of each registry by name and attributes. */
const registries = new WeakMap<Metric.MetricRegistry, Map<string, Counter | Histogram>>()

const shared = <A extends Counter | Histogram>(
  context: Context.Context<never>,
  name: MetricName,
  attributes: Attributes,
  isKind: (series: Counter | Histogram) => series is A,
  make: () => A
): A => {
  const registry = Context.get(context, Metric.MetricRegistry)
  const series = registries.get(registry) ?? new Map<string, Counter | Histogram>()
  registries.set(registry, series)
  const key = JSON.stringify([name, attributes, Context.get(context, Metric.CurrentMetricAttributes)])
  const known = series.get(key)
  if (known !== undefined && isKind(known)) return known
  const made = make()
  series.set(key, made)
  return made
}

/** An update from elsewhere has no effect: the value is ours. */
const ignored = { update: () => {}, modify: () => {} }

/**
 * The counter of this name and these attributes in the context's registry.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const counter = (context: Context.Context<never>, name: MetricName, attributes: Attributes): Counter =>
  shared(
    context,
    name,
    attributes,
    (series) => series instanceof Counter,
    () => {
      const made = new Counter()
      const metric = Metric.counter(name, { description: catalogue[name].description, attributes, incremental: true })
      Metric.registerUnsafe(metric, context, { get: () => made.read(), ...ignored })
      return made
    }
  )

/**
 * The histogram of this name and these attributes in the context's registry.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const histogram = (
  context: Context.Context<never>,
  name: MetricName,
  attributes: Attributes,
  bounds: keyof typeof boundaries
): Histogram =>
  shared(
    context,
    name,
    attributes,
    (series) => series instanceof Histogram,
    () => {
      const made = new Histogram(boundaries[bounds])
      const metric = Metric.histogram(name, {
        description: catalogue[name].description,
        attributes,
        boundaries: boundaries[bounds]
      })
      Metric.registerUnsafe(metric, context, { get: () => made.read(), ...ignored })
      return made
    }
  )
