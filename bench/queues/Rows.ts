/** One figure of one contestant, over all rounds. */
import { median, quantile } from "../Statistics.ts"
import type { Contestant } from "./Contestant.ts"
import { type Figure, figures, type Group } from "./Figures.ts"
import type { Run } from "./Runs.ts"

/** A ratio over the rounds. */
export interface Ratio {
  readonly median: number
  readonly lowerQuartile: number
  readonly upperQuartile: number
}

export interface Row {
  /** The group's name. */
  readonly group: string
  readonly workload: string
  readonly backlog: number | null
  readonly contestant: string
  readonly figure: string
  readonly unit: string
  readonly better: "higher" | "lower"
  readonly median: number | null
  readonly lowerQuartile: number | null
  readonly upperQuartile: number | null
  /** The value of each round. */
  readonly samples: ReadonlyArray<number>
  /** Leasehold's value by the better limit's and by the best peer's, round by round. */
  readonly toLimit: Ratio | null
  readonly toPeer: Ratio | null
  /** Who is the best peer by its median. */
  readonly bestPeer: string | null
  /** Most cores that neighbours used beside it in any round. */
  readonly neighbours: number | null
  /** Why there are no values. */
  readonly error: string | null
}

/** Of each contestant that took part, by name. */
export type Round = ReadonlyMap<string, Run>

const valueIn = (round: Round, name: string, figure: Figure): number | undefined => round.get(name)?.values[figure.name]

const best = (values: ReadonlyArray<number>, { better }: Figure): number | undefined =>
  values.length === 0 ? undefined : better === "higher" ? Math.max(...values) : Math.min(...values)

const quartiles = (values: ReadonlyArray<number>): Ratio | null =>
  values.length === 0
    ? null
    : { median: median(values), lowerQuartile: quantile(values, 0.25), upperQuartile: quantile(values, 0.75) }

const isNumber = (value: number | undefined): value is number => value !== undefined

const samplesOf = (rounds: ReadonlyArray<Round>, name: string, figure: Figure): ReadonlyArray<number> =>
  rounds.map((round) => valueIn(round, name, figure)).filter(isNumber)

const ratios = (
  rounds: ReadonlyArray<Round>,
  own: string,
  others: ReadonlyArray<Contestant>,
  figure: Figure
): Ratio | null =>
  quartiles(
    rounds
      .map((round) => {
        const value = valueIn(round, own, figure)
        const other = best(others.map(({ name }) => valueIn(round, name, figure)).filter(isNumber), figure)
        return value === undefined || other === undefined || other === 0 ? undefined : value / other
      })
      .filter(isNumber)
  )

const bestOf = (rounds: ReadonlyArray<Round>, peers: ReadonlyArray<Contestant>, figure: Figure): string | null => {
  const medians = peers.flatMap(({ name }) => {
    const samples = samplesOf(rounds, name, figure)
    return samples.length === 0 ? [] : [{ name, value: median(samples) }]
  })
  const value = best(
    medians.map((each) => each.value),
    figure
  )
  return medians.find((each) => each.value === value)?.name ?? null
}

/** The rows of a group, figure by figure. */
export const rowsOf = (
  group: Group,
  contestants: ReadonlyArray<Contestant>,
  rounds: ReadonlyArray<Round>,
  errors: ReadonlyMap<string, string>
): ReadonlyArray<Row> => {
  const limits = contestants.filter(({ kind }) => kind === "limit")
  const peers = contestants.filter(({ kind }) => kind === "peer")
  return figures[group.workload].flatMap((figure) =>
    contestants.map((contestant): Row => {
      const { kind, name } = contestant
      const error = errors.get(name) ?? null
      // half a figure is no figure
      const samples = error === null ? samplesOf(rounds, name, figure) : []
      const isCompared = kind === "own" && figure.compared && samples.length > 0
      const neighbours = rounds.map((round) => round.get(name)?.neighbours ?? null).filter((value) => value !== null)
      const values = quartiles(samples)
      return {
        group: group.name,
        workload: group.workload,
        backlog: group.backlog,
        contestant: name,
        figure: figure.name,
        unit: figure.unit,
        better: figure.better,
        median: values?.median ?? null,
        lowerQuartile: values?.lowerQuartile ?? null,
        upperQuartile: values?.upperQuartile ?? null,
        samples,
        toLimit: isCompared ? ratios(rounds, name, limits, figure) : null,
        toPeer: isCompared ? ratios(rounds, name, peers, figure) : null,
        bestPeer: isCompared ? bestOf(rounds, peers, figure) : null,
        neighbours: neighbours.length === 0 ? null : Math.max(...neighbours),
        error
      }
    })
  )
}
