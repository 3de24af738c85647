/** A kind of server that queues keep their jobs in. */
import type { Contestant } from "./Contestant.ts"

export const storeNames = ["postgres", "redis"] as const
export type StoreName = (typeof storeNames)[number]

export interface Store {
  readonly name: StoreName
  /** As its server is called. */
  readonly title: string
  readonly contestants: ReadonlyArray<Contestant>
  /** Ways to write to the disk that are measured apart; none where there is one that is durable and fast. */
  readonly syncs: ReadonlyArray<string>
  /** Whether a session can keep the server from cleaning up. */
  readonly hasPins: boolean
  /** Starts what the databases need, on the disk of `place`. */
  readonly start: (place: string) => Promise<Server>
}

/** What a database is made from. */
export interface Origin {
  /** One of the store's. */
  readonly sync: string | null
  /** A tidied database of the same contestant to copy. */
  readonly template: string | undefined
}

/** Private databases, each as if it were alone. */
export interface Server {
  readonly version: string
  /** What differs from the server's own defaults. */
  readonly settings: Readonly<Record<string, string>>
  readonly create: (database: string, origin: Origin) => Promise<void>
  /** Does nothing if there is no such database. */
  readonly drop: (database: string) => Promise<void>
  readonly url: (database: string) => string
  /** The same favourable state for everybody; afterwards it is copied, and not connected to. */
  readonly tidy: (database: string) => Promise<void>
  /** Writes back what nobody should have to write inside the clock. */
  readonly checkpoint: () => Promise<void>
  /** What the jobs take: on disk or in memory, wherever the store keeps them. */
  readonly bytes: (database: string) => Promise<number>
  /** CPU of all databases' processes, those that ended included, microseconds. */
  readonly cpuMicros: () => number
  /** Keeps the server from cleaning up; the answer ends that. */
  readonly pin: (database: string) => Promise<() => Promise<void>>
  readonly stop: () => Promise<void>
}
