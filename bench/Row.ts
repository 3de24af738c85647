/** One figure's result, over all its rounds. */
import { median, quantile } from "./Statistics.ts"

/** What one side answered in one round. */
export interface Reading {
  readonly value: number
  /** Latency percentiles, milliseconds, where the figure has them. */
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
  readonly cpuMicrosPerJob: number
  /** Cores that other processes used meanwhile; null where that cannot be known. */
  readonly neighbours: number | null
}

/** One interleaved round: the same work on each side, one right after the other. */
export interface Round {
  readonly leasehold: Reading
  readonly rawFile: Reading | undefined
  readonly rawSqlite: Reading | undefined
}

export interface RowKey {
  readonly name: string
  readonly log: string
  readonly backlog: number | null
  readonly workers: number | null
  readonly unit: string
  readonly better: "higher" | "lower"
}

/** Medians over the rounds, unless it says otherwise. A ratio is Leasehold's value by the other side's, round by round. */
export interface Row extends RowKey {
  readonly value: number | null
  readonly min: number | null
  readonly max: number | null
  readonly raw: number | null
  readonly rawMin: number | null
  readonly rawMax: number | null
  readonly ratio: number | null
  readonly ratioLowerQuartile: number | null
  readonly ratioUpperQuartile: number | null
  readonly sqlite: number | null
  readonly sqliteRatio: number | null
  readonly sqliteRatioLowerQuartile: number | null
  readonly sqliteRatioUpperQuartile: number | null
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
  readonly cpuMicrosPerJob: number | null
  readonly rawCpuMicrosPerJob: number | null
  /** Most cores that neighbours used beside any side of any round. */
  readonly neighbours: number | null
  readonly rounds: number
  /** The value of each round: Leasehold, raw file, raw SQLite. */
  readonly samples: ReadonlyArray<readonly [number, number | null, number | null]>
  /** Why there are no figures. */
  readonly error: string | null
}

const present = (values: ReadonlyArray<number | null | undefined>): Array<number> =>
  values.filter((value) => value !== null && value !== undefined)

const over = (values: ReadonlyArray<number | null | undefined>, statistic: (values: Array<number>) => number) => {
  const found = present(values)
  return found.length === 0 ? null : statistic(found)
}

const lowerQuartile = (values: Array<number>): number => quantile(values, 0.25)
const upperQuartile = (values: Array<number>): number => quantile(values, 0.75)
const least = (values: Array<number>): number => Math.min(...values)
const most = (values: Array<number>): number => Math.max(...values)

/** The row of a figure that failed, or of one whose rounds were all measured. */
export const makeRow = (key: RowKey, rounds: ReadonlyArray<Round>, error?: string): Row => {
  const own = rounds.map((round) => round.leasehold)
  const raw = rounds.map((round) => round.rawFile?.value)
  const sqlite = rounds.map((round) => round.rawSqlite?.value)
  const ratios = (others: ReadonlyArray<number | undefined>) =>
    others.map((other, index) => (other === undefined ? undefined : own[index]!.value / other))
  const values = own.map((reading) => reading.value)
  return {
    ...key,
    value: over(values, median),
    min: over(values, least),
    max: over(values, most),
    raw: over(raw, median),
    rawMin: over(raw, least),
    rawMax: over(raw, most),
    ratio: over(ratios(raw), median),
    ratioLowerQuartile: over(ratios(raw), lowerQuartile),
    ratioUpperQuartile: over(ratios(raw), upperQuartile),
    sqlite: over(sqlite, median),
    sqliteRatio: over(ratios(sqlite), median),
    sqliteRatioLowerQuartile: over(ratios(sqlite), lowerQuartile),
    sqliteRatioUpperQuartile: over(ratios(sqlite), upperQuartile),
    p50: over(
      own.map((reading) => reading.p50),
      median
    ),
    p95: over(
      own.map((reading) => reading.p95),
      median
    ),
    p99: over(
      own.map((reading) => reading.p99),
      median
    ),
    cpuMicrosPerJob: over(
      own.map((reading) => reading.cpuMicrosPerJob),
      median
    ),
    rawCpuMicrosPerJob: over(
      rounds.map((round) => round.rawFile?.cpuMicrosPerJob),
      median
    ),
    neighbours: over(
      rounds.flatMap((round) => [round.leasehold, round.rawFile, round.rawSqlite].map((side) => side?.neighbours)),
      most
    ),
    rounds: rounds.length,
    samples: values.map((value, index) => [value, raw[index] ?? null, sqlite[index] ?? null]),
    error: error ?? null
  }
}
