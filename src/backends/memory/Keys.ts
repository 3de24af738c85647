/**
 * Idempotency keys, kept apart from the records of the jobs that hold them.
 *
 * @since 0.1.0
 */
import type { EnqueueItem } from "../../log/JobLog.ts"
import type { JobState } from "../../model/Job.ts"
import { Heap } from "./Heap.ts"
import type { Node } from "./Heap.ts"
import type { JobRecord } from "./JobRecord.ts"

/**
 * One held key.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface HeldKey {
  readonly scope: string
  /** The job that holds it; its record may be gone by now. */
  readonly id: string
  /** How that job ended, once it has. */
  ended: JobState | undefined
  /** When the key becomes free, once that is known. */
  expiry: Node<{ readonly at: number; readonly key: HeldKey }> | undefined
}

/** Names cannot contain line feeds, so the parts cannot run into each other. */
const scopeOf = (item: EnqueueItem): string | undefined =>
  item.key === undefined ? undefined : `${item.queue}\n${item.name}\n${item.key.value}`

/**
 * All keys that are held.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class Keys {
  private readonly held = new Map<string, HeldKey>()
  private readonly expiries = new Heap<{ readonly at: number; readonly key: HeldKey }>((a, b) => a.at < b.at)

  /** The holder of the item's key at this time. */
  holder(item: EnqueueItem, now: number): HeldKey | undefined {
    const scope = scopeOf(item)
    if (scope === undefined) return undefined
    this.sweep(now)
    return this.held.get(scope)
  }

  /** Follows a job's transition: who ends or begins what, the key learns here. */
  follow(record: JobRecord): void {
    const scope = scopeOf(record.item)
    if (scope === undefined) return
    const key = this.held.get(scope)
    if (key !== undefined && key.id !== record.id) return
    switch (record.job.status) {
      case "Waiting":
      case "Leased":
      case "DeadLettered": {
        const current = key ?? { scope, id: record.id, ended: undefined, expiry: undefined }
        this.cancelExpiry(current)
        current.ended = record.job.status === "DeadLettered" ? "DeadLettered" : undefined
        this.held.set(scope, current)
        return
      }
      case "Completed":
        if (key !== undefined) this.expire(key, record, "Completed")
        return
      case "Cancelled":
        if (key !== undefined) this.free(key)
    }
  }

  /** The record goes; its key stays for its window. */
  forget(record: JobRecord): void {
    const scope = scopeOf(record.item)
    const key = scope === undefined ? undefined : this.held.get(scope)
    if (key !== undefined && key.id === record.id && key.expiry === undefined) this.expire(key, record, key.ended)
  }

  private expire(key: HeldKey, record: JobRecord, ended: JobState | undefined): void {
    this.cancelExpiry(key)
    key.ended = ended
    key.expiry = this.expiries.push({ at: (record.job.finishedAt ?? 0) + (record.item.key?.window ?? 0), key })
  }

  private sweep(now: number): void {
    for (let next = this.expiries.peek(); next !== undefined && next.at <= now; next = this.expiries.peek()) {
      this.free(next.key)
    }
  }

  private free(key: HeldKey): void {
    this.cancelExpiry(key)
    this.held.delete(key.scope)
  }

  private cancelExpiry(key: HeldKey): void {
    if (key.expiry !== undefined) this.expiries.remove(key.expiry)
    key.expiry = undefined
  }
}
