/** What a job queue has to offer to be measured. Each is driven by the same workloads, in a process of its own. */
import type { Payload } from "../Payload.ts"

/** Told by a worker. Neither call may throw. */
export interface Hands {
  /** The handler of this job starts: its first line. */
  readonly started: (payload: Payload) => void
  /** So many more jobs are done: durably, where the queue tells. */
  readonly done: (jobs: number) => void
  /** A claim that answered jobs took so long: of those whose claims can be seen. */
  readonly claimed?: ((millis: number) => void) | undefined
}

export interface WorkOptions {
  /** Jobs are added and removed at full rate meanwhile, for long. */
  readonly churning: boolean
}

/** A connected queue whose tables exist. */
export interface Queue {
  readonly enqueue: (payload: Payload) => Promise<unknown>
  /** One call of the queue's bulk operation, or what comes nearest. */
  readonly enqueueAll: (payloads: ReadonlyArray<Payload>) => Promise<unknown>
  /**
   * As many callers that each await one enqueue before the next, while there is a payload. Left out, promises of `enqueue`;
   * a queue whose callers are fibers brings its own.
   */
  readonly callers?:
    | ((count: number, next: () => Payload | undefined, answered: (millis: number) => void) => Promise<void>)
    | undefined
  /** Starts a worker; the answer stops it gracefully. */
  readonly work: (hands: Hands, options: WorkOptions) => Promise<() => Promise<void>>
  /** Jobs that are neither done nor given up, those in hand included. */
  readonly unfinished: () => Promise<number>
  readonly close: () => Promise<void>
}

export interface Adapter {
  /** Connects, and makes tables where there are none. */
  readonly open: (url: string) => Promise<Queue>
}

/** Reads a count that a statement answered. */
export const countOf = (value: unknown): number => {
  const count = Number(value)
  if (!Number.isSafeInteger(count)) throw new Error(`no count: ${String(value)}`)
  return count
}
