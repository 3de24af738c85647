/**
 * Small fleets, and one fault at every point at which it can strike: before each step of a process, from its first.
 *
 * @since 0.1.0
 */
import { runFleet } from "./Fleet.ts"
import { fairWeather } from "./Network.ts"
import type { FleetConfig, Plan } from "./Swarm.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface ExhaustiveReport {
  /** Points that were tried: all there are. */
  readonly points: number
  /** Each names its point. */
  readonly violations: ReadonlyArray<string>
}

/** A fleet in which nothing happens by itself. */
const calm: Partial<FleetConfig> = {
  nodes: 1,
  embedded: false,
  concurrency: 2,
  maxPrefetch: 2,
  leaseDuration: 1_000,
  groupedLease: undefined,
  reclaimInterval: 1_000,
  segmentBytes: 4_096,
  duration: 2_000,
  jobs: 4,
  producers: 1,
  batch: 4,
  policy: undefined,
  interrupted: 0,
  mix: {
    acts: ["succeed", "fail", "follow"],
    longest: 300,
    timeout: 3_000,
    undecodable: 0,
    grouped: 0.5,
    keyed: 0,
    delayed: 0.3,
    deadline: 0,
    prioritised: 0
  },
  strikes: [],
  longestPause: 0,
  weather: fairWeather,
  disk: { syncLatency: [0.1, 1], latency: [0, 0.1] },
  skew: 0,
  drift: 0,
  preempt: 0,
  operator: false
}

/**
 * Runs the fleet of a seed once for each step of the process that the act ends, and ends it there. The last point is
 * the first that the process does not reach while producers are at work.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const everyPoint = (seed: number, act: Plan["act"], config: Partial<FleetConfig> = {}): ExhaustiveReport => {
  const violations: Array<string> = []
  const still = runFleet({ seed, config: { ...calm, ...config } })
  const ofLog = act === "logPowerLoss" || act === "logKill"
  const points = (ofLog ? still.nodeSteps[0] : still.nodeSteps[1]) ?? 0
  for (let at = 1; at <= points; at++) {
    const result = runFleet({ seed, config: { ...calm, ...config, plan: { at, act } } })
    for (const violation of result.violations) violations.push(`${act} before step ${at} of seed ${seed}: ${violation}`)
  }
  return { points, violations: [...still.violations, ...violations] }
}
