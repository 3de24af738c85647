/**
 * One queue: its policy, its lanes, its delays, its groups and its counts.
 *
 * @since 0.1.0
 */
import type { QueuePolicy } from "../../log/JobLog.ts"
import type { Group } from "./Groups.ts"
import { Lane } from "./Lane.ts"
import { RowFifo } from "./RowFifo.ts"
import { RowHeap } from "./RowHeap.ts"

/**
 * A policy with its defaults filled in.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Policy {
  groupConcurrency: number
  groupOnRetry: "block" | "stepAside"
  maxBacklog: number
  retainCompleted: number
  retainCompletedCount: number
}

const hour = 3_600_000

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class QueueState {
  readonly name: string
  paused = false
  readonly policy: Policy = {
    groupConcurrency: 1,
    groupOnRetry: "block",
    maxBacklog: Number.POSITIVE_INFINITY,
    retainCompleted: hour,
    retainCompletedCount: 10_000
  }

  /** Lanes that may hold something, most urgent first. */
  readonly active: Array<Lane> = []
  readonly #lanes = new Map<number, Lane>()
  /** The lane used last: most jobs of a queue have one priority. */
  #lane: Lane | undefined
  /** Waiting jobs that are not visible yet, by their instant; some entries are outdated. */
  readonly delays = new RowHeap()
  readonly groups = new Map<string, Group>()
  /** Completed and cancelled jobs in the order in which they ended. */
  readonly retained = new RowFifo()
  /** Jobs by value of the status column. */
  readonly counts = [0, 0, 0, 0, 0, 0]
  /** Waiting jobs among the delays. */
  delayed = 0
  /** Grows whenever something may have become claimable. */
  version = 0
  /** It has, during the present operation. */
  touched = false

  constructor(name: string) {
    this.name = name
  }

  lane(priority: number): Lane {
    const last = this.#lane
    if (last !== undefined && last.priority === priority) return last
    let lane = this.#lanes.get(priority)
    if (lane === undefined) {
      lane = new Lane(priority)
      this.#lanes.set(priority, lane)
    }
    this.#lane = lane
    return lane
  }

  /** Lists a lane that has got an entry. */
  activate(lane: Lane): void {
    lane.active = true
    const active = this.active
    let at = active.length
    while (at > 0 && active[at - 1]!.priority > lane.priority) at--
    active.splice(at, 0, lane)
  }

  configure(policy: QueuePolicy): void {
    const own = this.policy
    if (policy.groupConcurrency !== undefined) own.groupConcurrency = policy.groupConcurrency
    if (policy.groupOnRetry !== undefined) own.groupOnRetry = policy.groupOnRetry
    if (policy.maxBacklog !== undefined) {
      own.maxBacklog = policy.maxBacklog === "unlimited" ? Number.POSITIVE_INFINITY : policy.maxBacklog
    }
    if (policy.retainCompleted !== undefined) own.retainCompleted = policy.retainCompleted
    if (policy.retainCompletedCount !== undefined) own.retainCompletedCount = policy.retainCompletedCount
  }
}
