/**
 * What the log answers to enqueues, seen where the log is: which copies of a request may have had an effect, and who
 * holds an idempotency key.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { EnqueueItem, EnqueueResult } from "../log/JobLog.ts"
import type { LogError } from "../log/LogError.ts"
import type { FleetHistory, JobRecord } from "./FleetHistory.ts"

/** Jobs that share a key share this. */
const scopeOf = ({ key, name, queue }: EnqueueItem): string | undefined =>
  key === undefined ? undefined : `${queue}\n${name}\n${key.value}`

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class EnqueueWatch {
  readonly #history: FleetHistory
  /** The latest job that was seen to take a key, and the position of that answer. */
  readonly #holders = new Map<string, { readonly job: JobRecord; readonly since: number }>()

  constructor(history: FleetHistory) {
    this.#history = history
  }

  /**
   * A copy of a request has come to the log; answers what to do with its exit. It may have had an effect until it is
   * refused itself, whatever became of other copies.
   */
  readonly arrived = (
    items: ReadonlyArray<EnqueueItem>
  ): ((exit: Exit.Exit<ReadonlyArray<EnqueueResult>, LogError>) => void) => {
    const sentAt = this.#history.at++
    for (const { id } of items) this.#history.unclear(id)
    return (exit) => {
      if (Exit.isSuccess(exit)) return this.#answered(items, exit.value, sentAt)
      const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
      if (error?.outcome === "refused") for (const { id } of items) this.#history.excluded(id)
    }
  }

  #answered(items: ReadonlyArray<EnqueueItem>, results: ReadonlyArray<EnqueueResult>, sentAt: number): void {
    const { jobs } = this.#history
    const at = this.#history.at++
    for (const [index, result] of results.entries()) {
      const item = items[index]
      const job = item === undefined ? undefined : jobs.get(item.id)
      if (item === undefined || job === undefined) continue
      if (result._tag === "Inserted") job.insertedAt ??= at
      const scope = scopeOf(item)
      if (scope === undefined) continue
      const holder = this.#holders.get(scope)
      // it held the key before this request came, and nothing can have ended it since
      const sure = holder !== undefined && holder.since < sentAt && isLive(holder.job) ? holder.job : undefined
      if (result._tag === "Inserted") {
        // an id that was there before is answered for itself, whoever holds the key by now
        if (sure !== undefined && sure !== job && job.maybe === 1) {
          this.#violate(`${item.id} was inserted under the key of ${sure.item.id}`)
        }
        if (isLive(job)) this.#holders.set(scope, { job, since: at })
      } else if (result._tag !== "Refused") {
        const named = jobs.get(result.id)
        if (named === undefined || scopeOf(named.item) !== scope) {
          this.#violate(`${item.id} was answered with ${result.id}, which has another key`)
        } else if (sure !== undefined && sure !== named) {
          this.#violate(`${item.id} was answered with ${result.id} while ${sure.item.id} held its key`)
        }
      }
    }
  }

  #violate(detail: string): void {
    this.#history.violate("keyHeldOnce", detail)
  }
}

/** Dead letters hold their keys as well: only a completion or a cancellation ends that. */
const isLive = (job: JobRecord): boolean => !job.completeSent && !job.cancelSent
