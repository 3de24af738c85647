/**
 * The parts of a job as they go into and come out of the store.
 *
 * @since 0.1.0
 */
import type { FailureCause } from "../../model/FailureCause.ts"
import type { OwnKey } from "./Keys.ts"
import type { Profile } from "./Profiles.ts"

/**
 * A range of bytes in a segment.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Location {
  readonly segment: number
  readonly offset: number
  readonly length: number
}

/**
 * A job about to be stored.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Insertion {
  readonly profile: Profile
  readonly priority: number
  readonly visibleAt: number
  readonly deadline: number | undefined
  readonly group: string | undefined
  readonly key: OwnKey | undefined
}

/**
 * The rest of a job that was carried forward.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface RestoredState {
  readonly status: number
  readonly attempts: number
  readonly deliveries: number
  readonly generation: number
  readonly started: boolean
  readonly granted: boolean
  readonly holder: number
  readonly token: number
  readonly finishedAt: number
  readonly cause: FailureCause | undefined
}

/**
 * Holders of the sessions' lists of grants.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface HolderLists {
  readonly nameOf: (session: number) => string
  readonly link: (session: number, slot: number) => void
  readonly unlink: (session: number, slot: number) => void
  readonly cancelled: (session: number, slot: number) => void
}
