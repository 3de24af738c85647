/**
 * What can go wrong in a simulation, by name, and what of it a seed arms.
 *
 * @since 0.1.0
 */
import type { ClusterConfig } from "./Cluster.ts"
import type { Generator } from "./kernel/Generator.ts"
import { fairWeather } from "./Network.ts"
import { type Strike, strikes } from "./Strike.ts"

/**
 * Faults that are in the air all the time, unlike those that strike.
 *
 * - `requestLost`, `replyLost`, `duplicated`, `slowNetwork`: messages between a scheduler or client and the log
 * - `slowDisk`, `diskErrors`: the disk of the log takes its time, or fails some operations
 * - `clockSkew`: the machines' clocks differ and run at different rates
 * - `preemption`: fibers give way where they need not
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const weather = [
  "requestLost",
  "replyLost",
  "duplicated",
  "slowNetwork",
  "slowDisk",
  "diskErrors",
  "clockSkew",
  "preemption"
] as const

/**
 * Everything that can go wrong; see {@link strikes} and {@link weather}.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export type Fault = Strike | (typeof weather)[number]

/**
 * Every fault.
 *
 * @since 0.1.0
 * @category constants
 * @stability unstable
 */
export const faults: ReadonlyArray<Fault> = [...strikes, ...weather]

/**
 * What a seed makes of the faults that it may arm.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Armed {
  readonly faults: ReadonlyArray<Fault>
  readonly config: Omit<ClusterConfig, "nodes" | "duration" | "longestPause">
  readonly preempt: number
}

/**
 * Arms about half of the faults that are allowed. Each fault draws for itself, so that taking one away leaves the others
 * as they were.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const arm = (generator: Generator, allowed: ReadonlyArray<Fault>): Armed => {
  const armed = allowed.filter((fault) => generator.split(`arm ${fault}`).chance(0.5))
  const rate = (fault: Fault, most: number): number =>
    armed.includes(fault) ? most * generator.split(`rate of ${fault}`).next() : 0
  const draw = generator.split("cluster")
  const latency = draw.pick([5, 20, 200])
  const diskErrors = rate("diskErrors", 0.002)
  return {
    faults: armed,
    config: {
      embedded: draw.chance(0.3),
      segmentBytes: draw.pick([4_096, 16_384, 65_536]),
      strikeEvery: draw.between(2_000, 15_000),
      strikes: strikes.filter((strike) => armed.includes(strike)),
      weather: {
        ...fairWeather,
        latency: [1, armed.includes("slowNetwork") ? latency : 5],
        slow: rate("slowNetwork", 0.05),
        requestLost: rate("requestLost", 0.1),
        replyLost: rate("replyLost", 0.1),
        duplicated: rate("duplicated", 0.1)
      },
      disk: {
        ...(armed.includes("slowDisk")
          ? { syncLatency: [0.1, 50], latency: [0, 0.2], stall: rate("slowDisk", 0.001) }
          : undefined),
        ...(diskErrors > 0
          ? { error: diskErrors, shortWrite: diskErrors / 2, noSpace: diskErrors / 2, errorForever: diskErrors / 4 }
          : undefined)
      },
      skew: Math.round(rate("clockSkew", 60_000)),
      drift: rate("clockSkew", 0.01)
    },
    preempt: rate("preemption", 0.1)
  }
}
