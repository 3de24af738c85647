/**
 * What a fleet did, as seen where the log is: every grant, settlement and end of a session with the log's own time, and
 * beside it what producers were told and what handlers saw.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type {
  ClaimRequest,
  ControlCommand,
  EnqueueItem,
  EnqueueResult,
  Grant,
  JobLogOperations,
  QueueCounts,
  QueuePolicy,
  SettleItem,
  Settlement
} from "../log/JobLog.ts"
import type { LogError } from "../log/LogError.ts"
import { PauseWatch } from "./PauseWatch.ts"

/**
 * One grant. Instants named `at` are positions in the history, not times.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface GrantRecord {
  readonly grant: Grant
  readonly session: string
  /** Log time at which it was granted. */
  readonly now: number
  readonly answeredAt: number
  /** When its claim came to the log for the first time. */
  readonly claimedAt: number
  /** The first settlement that was sent, and the one that was accepted. */
  settleSentAt: number | undefined
  accepted: Settlement | undefined
}

/**
 * One session of the log.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface SessionRecord {
  readonly id: string
  readonly leaseDuration: number
  /** Log times of answers that moved its expiry, with the expiry. */
  readonly extended: Array<{ readonly now: number; readonly expiresAt: number }>
  closeSentAt: number | undefined
}

/**
 * One job.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JobRecord {
  readonly item: EnqueueItem
  /** Nobody but an accepted completion enqueues a follow-up. */
  readonly followUp: boolean
  /** Copies of requests for it that came to the log and were not refused. */
  maybe: number
  acknowledged: boolean
  /** When the log first answered that it is there, as a position; not known of follow-ups. */
  insertedAt: number | undefined
  readonly grants: Array<GrantRecord>
  /** A completion may have ended it. */
  completeSent: boolean
  cancelled: boolean
  /** A cancellation may have reached it. */
  cancelSent: boolean
  /** An operator may have moved it to another instant. */
  rescheduled: boolean
}

/**
 * One start of a handler.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface RunRecord {
  readonly id: string
  readonly token: bigint
  readonly node: string
  readonly startedAt: number
  /** Virtual milliseconds. */
  readonly time: number
  ended: boolean
  /** It ended with a result. */
  succeeded: boolean
  /** How it ended by its handler's own account: `again` and `never` are failures that are tried again or never. */
  outcome: "succeeded" | "again" | "never" | "died" | "interrupted" | undefined
  result: string | undefined
  /** It asked for a follow-up. */
  followed: boolean
  /** Virtual milliseconds at which it ended. */
  endedTime: number | undefined
  /** It ignored its interruption, and its slot was given away. */
  abandoned: boolean
  /** The wall clock of its machine was set meanwhile, which may look like time that passed. */
  clockSet: boolean
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export class FleetHistory {
  readonly jobs = new Map<string, JobRecord>()
  readonly sessions = new Map<string, SessionRecord>()
  readonly grants = new Map<bigint, GrantRecord>()
  readonly runs = new Map<bigint, RunRecord>()
  /** What is wrong whatever comes later. */
  readonly violations: Array<string> = []
  /** Counts of the queues in the end. */
  counts: ReadonlyArray<QueueCounts> | undefined
  /** Set for all queues before the first job. */
  policy: QueuePolicy | undefined
  readonly #pauses = new PauseWatch()
  /** The next position. */
  at = 0
  readonly #settled = new Set<string>()
  /** When each claim was sent for the first time, as a position. */
  readonly #claimed = new Map<string, number>()
  /** Told of each new grant. */
  onGrant: (record: GrantRecord) => void = () => {}
  readonly #note: (line: string) => void

  constructor(note: (line: string) => void) {
    this.#note = note
  }

  /** Whether the log may forget what has ended, so that its id can come again as another job. */
  get forgets(): boolean {
    const { retainCompleted = Infinity, retainCompletedCount = Infinity } = this.policy ?? {}
    return retainCompleted < 3_600_000 || retainCompletedCount < 10_000
  }

  /** The states in which jobs are now, as far as they were seen. */
  *states(): Iterable<string> {
    let waiting = false
    let leased = false
    let ended = false
    for (const job of this.jobs.values()) {
      const last = job.grants.at(-1)
      if (job.cancelled || last?.accepted?._tag === "Complete" || last?.accepted?._tag === "DeadLetter") ended = true
      else if (last !== undefined && last.accepted === undefined) leased = true
      else waiting = true
    }
    if (waiting) yield "waiting"
    if (leased) yield "leased"
    if (ended) yield "ended"
  }

  /** Whether a shutdown of this process that began then stopped a run, as the log was told. */
  stoppedByDrain(node: string, since: number): boolean {
    return [...this.runs.values()].some((run) => {
      const accepted = this.grants.get(run.token)?.accepted
      const released = accepted?._tag === "Release" && accepted.cause?.message === "the scheduler shut down"
      return released && run.node === node && run.outcome === "interrupted" && (run.endedTime ?? -Infinity) >= since
    })
  }

  violate(law: string, detail: string): void {
    this.violations.push(`${law}: ${detail}`)
    this.#note(`VIOLATION ${law}: ${detail}`)
  }

  /** A producer is about to send these items, or a handler these follow-ups. */
  attempt(items: ReadonlyArray<EnqueueItem>, followUp = false): void {
    for (const item of items) {
      if (this.jobs.has(item.id)) continue
      this.jobs.set(item.id, {
        item,
        followUp,
        maybe: 0,
        acknowledged: false,
        insertedAt: undefined,
        grants: [],
        completeSent: false,
        cancelled: false,
        cancelSent: false,
        rescheduled: false
      })
    }
  }

  /** Something that enqueues it has come to the log. */
  unclear(id: string): void {
    const job = this.jobs.get(id)
    if (job !== undefined) job.maybe++
  }

  /** What had come was refused: the job is not there because of it. */
  excluded(id: string): void {
    const job = this.jobs.get(id)
    if (job !== undefined) job.maybe--
  }

  /** Whoever enqueued it was answered. */
  answered(id: string, answer: EnqueueResult): void {
    const job = this.jobs.get(id)
    if (job !== undefined && answer._tag === "Inserted") job.acknowledged = true
  }

  /** The same log, every call of which is noted. */
  watch(log: JobLogOperations): JobLogOperations {
    const noted = <A>(
      effect: Effect.Effect<A, LogError>,
      sent: (sentAt: number) => void,
      answered: (value: A, sentAt: number) => void,
      refused: () => void = () => {},
      ended: () => void = () => {}
    ): Effect.Effect<A, LogError> =>
      Effect.suspend(() => {
        const sentAt = this.at++
        sent(sentAt)
        return Effect.onExit(effect, (exit) =>
          Effect.sync(() => {
            ended()
            if (Exit.isSuccess(exit)) return answered(exit.value, sentAt)
            // whoever called it may get over that; it is a bug of the log all the same
            if (Cause.hasDies(exit.cause)) this.violate("defect", `a call died in the log: ${Cause.squash(exit.cause)}`)
            if (Option.getOrUndefined(Cause.findErrorOption(exit.cause))?.outcome === "refused") refused()
          })
        )
      })
    return {
      ...log,
      open: (options) =>
        noted(
          log.open(options),
          () => {},
          ({ expiresAt, id, leaseDuration, now }) => {
            this.sessions.set(id, { id, leaseDuration, extended: [{ now, expiresAt }], closeSentAt: undefined })
          }
        ),
      renew: (request) =>
        noted(
          log.renew(request),
          () => {},
          ({ expiresAt, now }) => this.sessions.get(request.session)?.extended.push({ now, expiresAt })
        ),
      close: (id) =>
        noted(
          log.close(id),
          (sentAt) => {
            const session = this.sessions.get(id)
            if (session !== undefined) session.closeSentAt ??= sentAt
          },
          () => {}
        ),
      claim: (request) =>
        noted(
          log.claim(request),
          (sentAt) => {
            const call = `${request.session}/${request.call}`
            if (!this.#claimed.has(call)) this.#claimed.set(call, sentAt)
          },
          ({ grants, now }) => this.#granted(request, grants, now)
        ),
      settle: (request) => {
        const first = !this.#settled.has(`${request.session}/${request.call}`)
        return noted(
          log.settle(request),
          (sentAt) => {
            this.#settled.add(`${request.session}/${request.call}`)
            for (const item of request.items) {
              const found = this.grants.get(item.token)
              if (found !== undefined) found.settleSentAt ??= sentAt
              if (item.settlement._tag !== "Complete") continue
              const job = this.jobs.get(item.id)
              if (job !== undefined) job.completeSent = true
              for (const { id } of item.settlement.enqueue ?? []) this.unclear(id)
            }
          },
          (results, sentAt) => {
            for (const [i, item] of request.items.entries()) {
              if (results[i]?._tag === "Settled") this.#accepted(item, sentAt, first)
              else if (results[i]?._tag === "Refused") this.#refused(item)
            }
          },
          () => request.items.forEach((item) => this.#refused(item))
        )
      },
      control: (commands) =>
        noted(
          log.control(commands),
          () => {
            for (const command of commands) {
              const asked = command._tag === "Cancel" ? this.jobs.get(command.id) : undefined
              if (asked !== undefined) asked.cancelSent = true
              this.#pauses.sent(command)
              const moves = command._tag === "Reschedule" || command._tag === "Redrive"
              const job = moves ? this.jobs.get(command.id) : undefined
              if (job !== undefined) job.rescheduled = true
            }
          },
          (results, sentAt) => {
            for (const [i, command] of commands.entries()) if (results[i]?._tag === "Done") this.#done(command, sentAt)
          },
          () => {},
          () => {
            const at = this.at++
            for (const command of commands) this.#pauses.ended(command, at)
          }
        )
    }
  }

  #granted(request: ClaimRequest, grants: ReadonlyArray<Grant>, now: number): void {
    const firstSentAt = this.#claimed.get(`${request.session}/${request.call}`) ?? 0
    for (const grant of grants) {
      const known = this.grants.get(grant.token)
      if (known !== undefined) {
        // the answer to a numbered call that was sent again
        if (known.grant.id !== grant.id || known.session !== request.session) {
          this.violate("tokenMonotone", `token ${grant.token} was given to ${known.grant.id} and to ${grant.id}`)
        }
        continue
      }
      // a claim that was sent before may be answered by its repeat
      if (this.#pauses.isPaused(grant.queue, firstSentAt)) {
        this.violate("pauseReaches", `${grant.id} was granted while ${grant.queue} was paused`)
      }
      const record: GrantRecord = {
        grant,
        session: request.session,
        now,
        answeredAt: this.at++,
        claimedAt: firstSentAt,
        settleSentAt: undefined,
        accepted: undefined
      }
      this.grants.set(grant.token, record)
      const job = this.jobs.get(grant.id)
      if (job === undefined) {
        this.violate("payloadIntact", `job ${grant.id} was granted and never enqueued`)
        continue
      }
      job.grants.push(record)
      this.onGrant(record)
      this.#note(`grant ${grant.id} token ${grant.token} to ${request.session}`)
    }
  }

  #accepted(item: SettleItem, sentAt: number, first: boolean): void {
    const record = this.grants.get(item.token)
    if (record === undefined) {
      this.violate("staleTokenRefused", `token ${item.token} was never given and settled ${item.id}`)
      return
    }
    if (first && record.accepted === undefined) {
      const later = this.jobs
        .get(item.id)
        ?.grants.find((other) => other.grant.token > item.token && other.answeredAt < sentAt)
      if (later !== undefined) {
        this.violate("staleTokenRefused", `token ${item.token} settled ${item.id} after ${later.grant.token} was given`)
      }
    }
    record.accepted ??= item.settlement
    this.#note(`settle ${item.id} token ${item.token} ${item.settlement._tag}`)
    // a follow-up's acknowledgement is that of the completion
    if (item.settlement._tag !== "Complete") return
    for (const followUp of item.settlement.enqueue ?? []) {
      const job = this.jobs.get(followUp.id)
      if (job !== undefined) job.acknowledged = true
    }
  }

  /** What this call carried is not there because of it. */
  #refused({ settlement }: SettleItem): void {
    if (settlement._tag !== "Complete") return
    for (const { id } of settlement.enqueue ?? []) this.excluded(id)
  }

  #done(command: ControlCommand, sentAt: number): void {
    this.#pauses.done(command, sentAt, this.at++)
    if (command._tag === "Cancel") {
      const job = this.jobs.get(command.id)
      if (job !== undefined) job.cancelled = true
    }
    this.#note(`${command._tag} ${"id" in command ? command.id : command.queue}`)
  }
}
