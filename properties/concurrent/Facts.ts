/**
 * A history put in order for a checker: sendings of one call become one call, and each job has its own list of what was
 * done with it.
 *
 * @since 0.1.0
 */
import type { EnqueuedJob, Granted, History, Of, Operation, Outcome, ValueOf } from "./History.ts"
import { makeSession } from "./SessionFacts.ts"
import type { SessionFacts } from "./SessionFacts.ts"
import { timelineOf } from "./Timeline.ts"
import type { Timeline } from "./Timeline.ts"

/**
 * When a call was under way: it took effect after `inv` and, if its outcome is known, before `res`; else `res` is
 * infinite.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Timed {
  /** Of its first sending. */
  readonly id: number
  readonly inv: number
  readonly res: number
  readonly outcome: { readonly tag: Outcome<unknown>["tag"] }
}

/**
 * A call with all of its sendings.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Call<Op extends Operation["op"]> extends Timed {
  readonly args: Of<Op>["args"]
  readonly outcome: Outcome<ValueOf<Op>>
  readonly sendings: ReadonlyArray<Of<Op>>
}

/**
 * A grant that somebody was told of.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface GrantFact {
  readonly grant: Granted
  readonly token: bigint
  readonly session: string
  readonly claim: Call<"claim">
}

/**
 * A settlement of one job.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface SettleFact {
  readonly call: Call<"settle">
  readonly session: string
  readonly token: bigint
  readonly kind: "Complete" | "Retry" | "Release" | "DeadLetter"
  readonly delay: number
  /** The answer, where it is known. */
  readonly answer: string | undefined
}

/**
 * What a history says of one job.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface JobFacts {
  readonly id: string
  item: EnqueuedJob | undefined
  enqueue: Call<"enqueue"> | undefined
  /** In the order of their tokens. */
  readonly grants: Array<GrantFact>
  readonly settles: Array<SettleFact>
  readonly cancels: Array<Call<"cancel">>
  readonly redrives: Array<Call<"redrive">>
  readonly reads: Array<Call<"read">>
}

/**
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Facts {
  readonly history: History
  readonly time: Timeline
  readonly sessions: ReadonlyMap<string, SessionFacts>
  /** In the order in which they are first mentioned. */
  readonly jobs: ReadonlyMap<string, JobFacts>
  readonly enqueues: ReadonlyArray<Call<"enqueue">>
  readonly claims: ReadonlyArray<Call<"claim">>
  readonly settles: ReadonlyArray<Call<"settle">>
  readonly renews: ReadonlyArray<Call<"renew">>
  readonly closes: ReadonlyArray<Call<"close">>
  readonly reclaims: ReadonlyArray<Call<"reclaim">>
  readonly lists: ReadonlyArray<Call<"list">>
}

/** Whether a sending is of this kind. */
const isOf = <Op extends Operation["op"]>(operation: Operation, op: Op): operation is Of<Op> & Operation =>
  operation.op === op

const callsOf = <Op extends Operation["op"]>(
  history: History,
  op: Op,
  key: (sending: Of<Op>) => string | number
): ReadonlyArray<Call<Op>> => {
  const groups = new Map<string | number, Array<Of<Op>>>()
  for (const operation of history.operations) {
    if (!isOf(operation, op)) continue
    const group = groups.get(key(operation))
    if (group === undefined) groups.set(key(operation), [operation])
    else group.push(operation)
  }
  return Array.from(groups.values(), (sendings) => callOf<Op>(sendings))
}

const callOf = <Op extends Operation["op"]>(sendings: ReadonlyArray<Of<Op>>): Call<Op> => {
  const first = sendings[0]
  if (first === undefined) throw new Error("leasehold: a call without sendings")
  const inv = Math.min(...sendings.map((sending) => sending.inv))
  const ok = sendings.filter(({ outcome }) => outcome.tag === "Ok").sort((a, b) => a.res - b.res)[0]
  // refused is what was never tried in any other way
  const told = ok ?? sendings.find(({ outcome }) => outcome.tag === "Unknown") ?? first
  // arguments and outcome are those of this kind of operation, which the compiler cannot follow through a parameter
  const args = first.args as Of<Op>["args"]
  const outcome = told.outcome as Outcome<ValueOf<Op>>
  const res = outcome.tag === "Unknown" ? Number.POSITIVE_INFINITY : told.res
  return { id: first.id, args, inv, res, outcome, sendings }
}

const single = (sending: { readonly id: number }): number => sending.id
const numbered = (sending: { readonly args: { readonly session: string; readonly call: number } }): string =>
  `${sending.args.session} ${sending.args.call}`
const repeated = (sending: { readonly id: number; readonly repeats?: number | undefined }): number =>
  sending.repeats ?? sending.id

/**
 * The answer to a call where it is known.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const valueOf = <Op extends Operation["op"]>(call: Call<Op>): ValueOf<Op> | undefined =>
  call.outcome.tag === "Ok" ? call.outcome.value : undefined

/**
 * Puts a history in order.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const factsOf = (history: History): Facts => {
  const jobs = new Map<string, JobFacts>()
  const job = (id: string): JobFacts => {
    let found = jobs.get(id)
    if (found === undefined) {
      found = {
        id,
        item: undefined,
        enqueue: undefined,
        grants: [],
        settles: [],
        cancels: [],
        redrives: [],
        reads: []
      }
      jobs.set(id, found)
    }
    return found
  }
  const enqueues = callsOf(history, "enqueue", repeated)
  const claims = callsOf(history, "claim", numbered)
  const settles = callsOf(history, "settle", numbered)
  const renews = callsOf(history, "renew", numbered)
  const closes = callsOf(history, "close", single)
  for (const call of enqueues) {
    for (const item of call.args.jobs) Object.assign(job(item.job), { item, enqueue: call })
  }
  for (const claim of claims) {
    for (const grant of valueOf(claim)?.grants ?? []) {
      job(grant.job).grants.push({ grant, token: BigInt(grant.token), session: claim.args.session, claim })
    }
  }
  for (const call of settles) {
    if (call.outcome.tag === "Refused") continue
    call.args.items.forEach(({ delay, job: id, kind, token }, i) => {
      const answer = valueOf(call)?.[i]
      job(id).settles.push({ call, session: call.args.session, token: BigInt(token), kind, delay, answer })
    })
  }
  for (const call of callsOf(history, "cancel", single)) job(call.args.job).cancels.push(call)
  for (const call of callsOf(history, "redrive", single)) job(call.args.job).redrives.push(call)
  for (const call of callsOf(history, "read", single)) job(call.args.job).reads.push(call)
  for (const { grants } of jobs.values()) grants.sort((a, b) => (a.token < b.token ? -1 : a.token > b.token ? 1 : 0))
  const time = timelineOf(history)
  const sessions = new Map<string, SessionFacts>()
  const crashes = history.promises.sessionsOutliveCrashes === true ? [] : callsOf(history, "crash", single)
  for (const open of callsOf(history, "open", single)) {
    const opened = valueOf(open)
    if (opened === undefined) continue
    sessions.set(opened.session, makeSession(time, open, { renews, closes, crashes }))
  }
  return {
    history,
    time,
    sessions,
    jobs,
    enqueues,
    claims,
    settles,
    renews,
    closes,
    reclaims: callsOf(history, "reclaim", single),
    lists: callsOf(history, "list", single)
  }
}
