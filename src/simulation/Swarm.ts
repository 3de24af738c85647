/**
 * What each seed arms: a random subset of the faults, at random rates, against a random configuration. Faults that are
 * always there would hide one another.
 *
 * @since 0.1.0
 */
import type { QueuePolicy } from "../log/JobLog.ts"
import type { ClusterConfig } from "./Cluster.ts"
import type { Act, JobMix } from "./FleetJobs.ts"
import type { Generator } from "./kernel/Generator.ts"
import { fairWeather } from "./Network.ts"
import { type Strike, strikes } from "./Strike.ts"

/**
 * Everything that a fleet is, besides the seed. All times are milliseconds.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface FleetConfig extends ClusterConfig {
  /** Slots of each queue in each scheduler. */
  readonly concurrency: number
  readonly maxPrefetch: number
  readonly leaseDuration: number
  /** The lease that jobs with groups ask for; undefined for the scheduler's. */
  readonly groupedLease: number | undefined
  readonly reclaimInterval: number
  readonly jobs: number
  readonly producers: number
  readonly mix: JobMix
  /** Most jobs of one enqueue. */
  readonly batch: number
  /** What the queues bound and forget while faults strike; undefined for the defaults. */
  readonly policy: QueuePolicy | undefined
  /** Probability that a producer interrupts its own call. */
  readonly interrupted: number
  /** Probability that a producer does not try again what was refused. */
  readonly givesUp: number
  /** An operator cancels, pauses, moves and redrives. */
  readonly operator: boolean
  /** The operator cancels again and again what is held, mostly while it runs. */
  readonly cancels: boolean
  /** Longest time between two acts of the operator; undefined for an eighth of the duration. */
  readonly operatorEvery: number | undefined
  /** Probability that a fiber gives way between two operations. */
  readonly preempt: number
  /** One fault more, at one point. */
  readonly plan?: Plan | undefined
}

/**
 * A fault before the step number `at` (1-based) of the first process of the log, or of the first scheduler that is
 * not in it.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Plan {
  readonly at: number
  readonly act: "logPowerLoss" | "logKill" | "workerCrash" | "workerShutdown"
}

const some = <A>(generator: Generator, all: ReadonlyArray<A>, probability: number): Array<A> =>
  all.filter(() => generator.chance(probability))

const troubles: ReadonlyArray<Act> = ["follow", "fail", "refuse", "die", "throw", "hang", "stubborn", "progress"]

/** Draws for itself, so that a seed without a policy is as it would be if there were none. */
const drawPolicy = (generator: Generator): QueuePolicy | undefined =>
  generator.chance(0.5)
    ? undefined
    : {
        groupConcurrency: generator.pick([1, 2, 3]),
        groupOnRetry: generator.pick(["block", "stepAside"]),
        maxBacklog: generator.pick<"unlimited" | number>(["unlimited", 3, 20]),
        retainCompleted: generator.pick([3_600_000, 20_000, 0]),
        retainCompletedCount: generator.pick([10_000, 3])
      }

/** What was added later draws for itself, so that a seed without it is as it was before. */
const drawStrikes = (generator: Generator): ReadonlyArray<Strike> => {
  const first = strikes.filter((strike) => strike !== "bitRot")
  const drawn = some(generator, first, 0.4)
  return generator.split("bitRot").chance(0.25) ? [...drawn, "bitRot"] : drawn
}

/**
 * Writes are few: at the rate of other faults hardly any would be cut short. So that is so many times as likely.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const shortWrites = 20

/**
 * Some seeds press on one place that others meet too seldom: jobs are cancelled while they run or wait for a slot, a
 * lease is no longer than a message may take, queues with many prefetched jobs are paused all the time, schedulers
 * shut down while they run what takes long, or stand still again and again for longer than their leases.
 */
const focus = (generator: Generator, { mix }: FleetConfig): Partial<FleetConfig> => {
  const calm: JobMix = { ...mix, acts: ["succeed", "follow", "progress"], longest: 3_000 }
  switch (generator.between(0, 17)) {
    case 0:
    case 1:
      return { operator: true, cancels: true, jobs: 60, mix: calm }
    case 2:
    case 3:
      return {
        nodes: 3,
        jobs: 60,
        duration: 30_000,
        leaseDuration: 1_000,
        groupedLease: undefined,
        mix: { ...calm, longest: 1_000 },
        weather: { latency: [1, 200], slow: 0.3, requestLost: 0, replyLost: 0, duplicated: 0.1, patience: 20_000 }
      }
    case 4:
    case 5:
      return {
        operator: true,
        cancels: true,
        operatorEvery: 2_000,
        jobs: 120,
        duration: 60_000,
        concurrency: 1,
        maxPrefetch: 50,
        batch: 60,
        leaseDuration: 3_000,
        mix: { ...calm, delayed: 0 }
      }
    case 6:
    case 8:
      return {
        nodes: 2,
        embedded: false,
        jobs: 60,
        duration: 60_000,
        strikes: ["workerShutdown", "workerShutdown", "partition"],
        strikeEvery: 3_000,
        mix: { ...calm, acts: ["succeed", "hang", "stubborn"], longest: 10_000, timeout: 10_000 }
      }
    case 9:
      return {
        nodes: 2,
        embedded: false,
        concurrency: 1,
        maxPrefetch: 50,
        batch: 60,
        jobs: 120,
        duration: 60_000,
        leaseDuration: 1_000,
        groupedLease: undefined,
        strikes: ["pause", "pause", "clockStep"],
        strikeEvery: 2_000,
        longestPause: 2_500,
        preempt: 0.1,
        mix: { ...calm, longest: 500 }
      }
    default:
      return {}
  }
}

/**
 * The configuration of a seed.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const draw = (generator: Generator): FleetConfig => {
  const rate = (most: number): number => (generator.chance(0.5) ? generator.next() * most : 0)
  const leaseDuration = generator.pick([1_000, 3_000, 5_000, 10_000, 30_000])
  const config: FleetConfig = {
    nodes: generator.between(1, 4),
    embedded: generator.chance(0.4),
    concurrency: generator.between(1, 6),
    maxPrefetch: generator.pick([0, 2, 50]),
    leaseDuration,
    groupedLease: generator.chance(0.4) ? 2 * leaseDuration : undefined,
    reclaimInterval: generator.pick([1_000, 5_000]),
    segmentBytes: generator.pick([4_096, 4_096, 16_384, 65_536]),
    duration: generator.between(20_000, 200_000),
    jobs: generator.between(5, 60),
    producers: generator.between(1, 3),
    batch: generator.split("batch").pick([4, 4, 4, 60]),
    policy: drawPolicy(generator.split("policy")),
    interrupted: rate(0.3),
    givesUp: generator.split("givesUp").pick([0, 0, 0.5]),
    mix: {
      acts: ["succeed", ...some(generator, troubles, 0.4)],
      longest: generator.pick([50, 1_000, Math.min(20_000, 2.5 * leaseDuration)]),
      timeout: 3_000,
      undecodable: rate(0.1),
      grouped: rate(1),
      keyed: rate(0.3),
      delayed: rate(0.5),
      deadline: rate(0.2),
      prioritised: rate(0.5)
    },
    strikeEvery: generator.between(2_000, 15_000),
    strikes: drawStrikes(generator),
    longestPause: 2.5 * leaseDuration,
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
    disk: generator.chance(0.3)
      ? {}
      : {
          syncLatency: [0.1, generator.pick([1, 10, 100])],
          latency: [0, 0.2],
          stall: rate(0.001),
          error: rate(0.002),
          errorForever: rate(0.0005),
          noSpace: rate(0.001),
          shortWrite: shortWrites * rate(0.001)
        },
    skew: generator.pick([0, 500, 60_000]),
    drift: generator.pick([0, 0.001, 0.01]),
    preempt: generator.pick([0, 0, 0.02, 0.1]),
    operator: generator.chance(0.4),
    cancels: generator.split("cancels").chance(0.4),
    operatorEvery: undefined
  }
  return { ...config, ...focus(generator.split("focus"), config) }
}
