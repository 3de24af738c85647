/**
 * What each seed arms: a random subset of the faults, at random rates, against a random configuration. Faults that are
 * always there would hide one another.
 *
 * @since 0.1.0
 */
import type { Act, JobMix } from "./FleetJobs.ts"
import type { Generator } from "./kernel/Generator.ts"
import { fairWeather, type NetworkWeather } from "./Network.ts"

/**
 * The kinds of faults that strike from time to time.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export const strikes = [
  "logPowerLoss",
  "logKill",
  "workerCrash",
  "workerShutdown",
  "pause",
  "suspend",
  "clockStep",
  "partition",
  "diskError",
  "diskFull"
] as const

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Strike = (typeof strikes)[number]

/**
 * Everything that a fleet is, besides the seed.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface FleetConfig {
  /** Schedulers. */
  readonly nodes: number
  /** The first scheduler runs in the process that has the log. */
  readonly embedded: boolean
  readonly concurrency: number
  readonly maxPrefetch: number
  /** Milliseconds, as all times here. */
  readonly leaseDuration: number
  readonly segmentBytes: number
  /** How long producers produce and faults strike. */
  readonly duration: number
  readonly jobs: number
  readonly producers: number
  readonly mix: JobMix
  /** Mean time between two strikes. */
  readonly strikeEvery: number
  readonly strikes: ReadonlyArray<Strike>
  readonly weather: NetworkWeather
  /** Greatest difference of a machine's wall clock, and of its rate from 1. */
  readonly skew: number
  readonly drift: number
  /** Probability that a fiber gives way between two operations. */
  readonly preempt: number
  /** An operator cancels, pauses, moves and redrives. */
  readonly operator: boolean
}

const some = <A>(generator: Generator, all: ReadonlyArray<A>, probability: number): Array<A> =>
  all.filter(() => generator.chance(probability))

const troubles: ReadonlyArray<Act> = ["follow", "fail", "refuse", "die", "throw", "hang", "stubborn", "progress"]

/**
 * The configuration of a seed.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const draw = (generator: Generator): FleetConfig => {
  const rate = (most: number): number => (generator.chance(0.5) ? generator.next() * most : 0)
  const leaseDuration = generator.pick([1_000, 2_000, 5_000, 10_000])
  return {
    nodes: generator.between(1, 4),
    embedded: generator.chance(0.4),
    concurrency: generator.between(1, 6),
    maxPrefetch: generator.pick([0, 2, 50]),
    leaseDuration,
    segmentBytes: generator.pick([4_096, 4_096, 16_384, 65_536]),
    duration: generator.between(20_000, 120_000),
    jobs: generator.between(5, 60),
    producers: generator.between(1, 3),
    mix: {
      acts: ["succeed", ...some(generator, troubles, 0.4)],
      longest: generator.pick([50, 1_000, 2.5 * leaseDuration]),
      undecodable: rate(0.1),
      grouped: rate(1),
      keyed: rate(0.3),
      delayed: rate(0.5),
      deadline: rate(0.2),
      prioritised: rate(0.5)
    },
    strikeEvery: generator.between(2_000, 15_000),
    strikes: some(generator, strikes, 0.4),
    weather: generator.chance(0.25)
      ? fairWeather
      : {
          latency: [1, generator.pick([5, 20, 200])],
          slow: rate(0.05),
          requestLost: rate(0.1),
          replyLost: rate(0.1),
          duplicated: rate(0.1),
          patience: generator.pick([1_000, 5_000, 20_000])
        },
    skew: generator.pick([0, 500, 60_000]),
    drift: generator.pick([0, 0.001, 0.01]),
    preempt: generator.pick([0, 0, 0.02, 0.1]),
    operator: generator.chance(0.4)
  }
}

/**
 * A fleet to which nothing happens.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const calm: Partial<FleetConfig> = {
  strikes: [],
  weather: fairWeather,
  skew: 0,
  drift: 0,
  operator: false
}
