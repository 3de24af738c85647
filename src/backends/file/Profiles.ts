/**
 * What many jobs have in common, stored once: queue, name, version and limits.
 *
 * @since 0.1.0
 */
import type { EnqueueItem } from "../../log/JobLog.ts"
import { defaultMaxDeliveries } from "../../model/Job.ts"
import type { QueueState } from "./QueueState.ts"

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Profile {
  readonly index: number
  readonly queue: QueueState
  readonly name: string
  readonly version: number
  readonly maxAttempts: number
  readonly maxDeliveries: number
  readonly leaseDuration: number | undefined
  readonly timeout: number | undefined
  /** Jobs that have this profile. */
  jobs: number
  /** The frame in which the profile was last written down, and its number there. */
  frame: number
  local: number
}

const defaultMaxAttempts = 10
/** Unused profiles are kept up to this number. */
const keptUnused = 1024

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Profiles {
  readonly #queueOf: (name: string) => QueueState
  readonly #byKey = new Map<string, Profile>()
  readonly #byIndex: Array<Profile | undefined> = []
  readonly #free: Array<number> = []
  #last: Profile | undefined
  #unused = 0

  constructor(queueOf: (name: string) => QueueState) {
    this.#queueOf = queueOf
  }

  at(index: number): Profile {
    return this.#byIndex[index]!
  }

  /** The profile of a request, its defaults filled in. */
  ofItem(item: EnqueueItem): Profile {
    const maxAttempts = item.maxAttempts ?? defaultMaxAttempts
    const maxDeliveries = item.maxDeliveries ?? defaultMaxDeliveries(maxAttempts)
    const last = this.#last
    // the jobs of one batch mostly share their profile
    if (
      last !== undefined &&
      last.name === item.name &&
      last.queue.name === item.queue &&
      last.version === item.version &&
      last.maxAttempts === maxAttempts &&
      last.maxDeliveries === maxDeliveries &&
      last.leaseDuration === item.leaseDuration &&
      last.timeout === item.timeout
    ) {
      return last
    }
    return this.of(item.queue, item.name, item.version, maxAttempts, maxDeliveries, item.leaseDuration, item.timeout)
  }

  of(
    queue: string,
    name: string,
    version: number,
    maxAttempts: number,
    maxDeliveries: number,
    leaseDuration: number | undefined,
    timeout: number | undefined
  ): Profile {
    const key = `${queue}\n${name}\n${version}\n${maxAttempts}\n${maxDeliveries}\n${leaseDuration}\n${timeout}`
    let profile = this.#byKey.get(key)
    if (profile === undefined) {
      if (this.#unused > keptUnused) this.#sweep()
      profile = {
        index: this.#free.pop() ?? this.#byIndex.length,
        queue: this.#queueOf(queue),
        name,
        version,
        maxAttempts,
        maxDeliveries,
        leaseDuration,
        timeout,
        jobs: 0,
        frame: -1,
        local: 0
      }
      this.#byIndex[profile.index] = profile
      this.#byKey.set(key, profile)
      this.#unused++
    }
    this.#last = profile
    return profile
  }

  join(profile: Profile): void {
    if (profile.jobs++ === 0) this.#unused--
  }

  leave(profile: Profile): void {
    if (--profile.jobs === 0) this.#unused++
  }

  #sweep(): void {
    for (const [key, profile] of this.#byKey) {
      if (profile.jobs > 0) continue
      this.#byKey.delete(key)
      this.#byIndex[profile.index] = undefined
      this.#free.push(profile.index)
    }
    this.#unused = 0
    this.#last = undefined
  }
}
