/** Order statistics of small samples. */

/** The q-quantile, interpolated between neighbours. Throws on an empty sample: a figure without samples is a bug. */
export const quantile = (values: ReadonlyArray<number>, q: number): number => {
  if (values.length === 0) throw new RangeError("quantile of no values")
  const sorted = Float64Array.from(values).sort()
  const position = (sorted.length - 1) * q
  const low = Math.floor(position)
  const below = sorted[low]!
  const above = sorted[Math.min(low + 1, sorted.length - 1)]!
  return below + (above - below) * (position - low)
}

export const median = (values: ReadonlyArray<number>): number => quantile(values, 0.5)

/** Latency percentiles, milliseconds. */
export interface Percentiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly count: number
}

export const percentiles = (millis: ReadonlyArray<number>): Percentiles | undefined =>
  millis.length === 0
    ? undefined
    : {
        p50: quantile(millis, 0.5),
        p95: quantile(millis, 0.95),
        p99: quantile(millis, 0.99),
        count: millis.length
      }
