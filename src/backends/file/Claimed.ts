/**
 * What a claim took, as it was at that moment: enough to build its grants, again and again, whatever became of the jobs
 * since. The payloads are read from the journal, whose segments the answer pins until it is forgotten.
 *
 * @since 0.1.0
 */
import type { Grant } from "../../log/JobLog.ts"
import type { JobStore } from "./JobStore.ts"
import type { Location } from "./StoredJob.ts"
import { Flag } from "./JobTable.ts"
import { formatJobId } from "./JobId.ts"
import type { Profile } from "./Profiles.ts"
import type { StoredRequest } from "./RequestCodec.ts"

const stride = 9

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Claimed {
  readonly _tag = "Claim"
  readonly firstToken: number
  readonly now: number
  cursor = ""
  nextAt: number | undefined = undefined
  count = 0
  /** Segments that hold the payloads. */
  readonly segments: Array<number> = []
  /** The grants themselves, once the answer had to let go of its segments. */
  grants: ReadonlyArray<Grant> | undefined = undefined
  #columns: Float64Array
  readonly #profiles: Array<Profile> = []

  constructor(firstToken: number, now: number) {
    this.firstToken = firstToken
    this.now = now
    this.#columns = noColumns
  }

  /** Notes the row that was just granted; `most` is how many are likely to come. */
  add(store: JobStore, row: number, most: number): void {
    const chunk = store.table.chunk(row)
    const i = store.table.index(row)
    const slot = chunk.slot[i]!
    let at = this.count * stride
    if (at === this.#columns.length) this.#grow(Math.max(1, most))
    const columns = this.#columns
    const segment = chunk.segment[i]!
    columns[at++] = segment
    columns[at++] = chunk.offset[i]!
    columns[at++] = chunk.length[i]!
    columns[at++] = chunk.priority[i]!
    columns[at++] = store.grants.attempts[slot]!
    columns[at++] = store.grants.deliveries[slot]!
    columns[at++] = store.grants.generation[slot]!
    columns[at++] = chunk.visibleAt[i]!
    columns[at] = (chunk.flags[i]! & Flag.Deadline) === 0 ? Number.NaN : store.deadlines.get(row)!
    this.#profiles.push(store.profiles.at(chunk.profile[i]!))
    this.count++
    const { segments } = this
    if (segments[segments.length - 1] !== segment && !segments.includes(segment)) segments.push(segment)
  }

  #grow(most: number): void {
    // mostly once: `most` is what the queue had to give at first
    const columns = new Float64Array(Math.max(most, this.count * 2) * stride)
    columns.set(this.#columns)
    this.#columns = columns
  }

  /** Lets go of the columns: from now on the answer is these grants. */
  settleFor(grants: ReadonlyArray<Grant>): void {
    this.grants = grants
    this.#columns = noColumns
    this.#profiles.length = 0
  }

  location(index: number): Location {
    const at = index * stride
    const columns = this.#columns
    return { segment: columns[at]!, offset: columns[at + 1]!, length: columns[at + 2]! }
  }

  segmentAt(index: number): number {
    return this.#columns[index * stride]!
  }

  offsetAt(index: number): number {
    return this.#columns[index * stride + 1]!
  }

  lengthAt(index: number): number {
    return this.#columns[index * stride + 2]!
  }

  /** The grant, from the stored request and the words of its id. */
  grant(index: number, request: StoredRequest, words: Int32Array): Grant {
    const at = index * stride
    const columns = this.#columns
    const profile = this.#profiles[index]!
    const visibleAt = columns[at + 7]!
    const deadline = columns[at + 8]!
    const { enqueuedAt } = request
    return {
      id: formatJobId(words[0]!, words[1]!, words[2]!, words[3]!),
      queue: profile.queue.name,
      name: profile.name,
      version: profile.version,
      payload: request.payload,
      priority: columns[at + 3]!,
      attempt: columns[at + 4]! + 1,
      delivery: columns[at + 5]!,
      maxAttempts: profile.maxAttempts,
      generation: columns[at + 6]!,
      enqueuedAt,
      readySince: visibleAt > enqueuedAt ? visibleAt : enqueuedAt,
      leaseDuration: profile.leaseDuration,
      timeout: profile.timeout,
      // NaN stands for none
      deadline: deadline === deadline ? deadline : undefined,
      group: request.group,
      metadata: request.metadata,
      trace: request.trace,
      token: BigInt(this.firstToken + index),
      receipt: ""
    }
  }
}

const noColumns = new Float64Array(0)
