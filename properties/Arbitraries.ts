/**
 * Generators of histories. Each law weighs the steps so that what it speaks about happens often.
 *
 * @since 0.1.0
 */
import * as fc from "fast-check"
import { jobStates } from "../src/model/Job.ts"
import type { Hand, TestLog } from "./Harness.ts"
import type { JobSpec, SettleSpec, Step } from "./Step.ts"

/**
 * How often which step comes, and which options jobs carry.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Profile {
  readonly weights: Partial<Record<Step["_tag"], number>>
  /** Chance in percent that a job has the option. */
  readonly options: Partial<
    Record<"priority" | "delay" | "at" | "bounds" | "deadline" | "group" | "key" | "metadata" | "carried", number>
  >
  /** Payloads that are easily damaged on the way. */
  readonly nastyPayloads?: boolean | undefined
  /** Payloads large enough that a log's files come to an end now and then. */
  readonly bulkyPayloads?: boolean | undefined
  /** Chance in percent of settlements with follow-ups. */
  readonly followUps?: number | undefined
  readonly length?: number | undefined
}

const times = fc.constantFrom(0, 1, 10, 400, 999, 1000, 1500, 4999, 30_000)

const instants = fc.constantFrom(-1000, 0, 1, 400, 1000, 30_000)

const sometimes = <A>(percent: number | undefined, arbitrary: fc.Arbitrary<A>): fc.Arbitrary<A | undefined> =>
  percent === undefined || percent === 0
    ? fc.constant(undefined)
    : fc.oneof(
        { arbitrary: fc.constant(undefined), weight: 100 - percent },
        { arbitrary: arbitrary as fc.Arbitrary<A | undefined>, weight: percent }
      )

const nasty = fc.oneof(
  fc.constantFrom(
    `{"b":1,"a":2}`,
    `{ "a" : 1.0, "b":1e3 }`,
    `{"a":12345678901234567890}`,
    `"\\u00e9"`,
    "é",
    "\u0000\u0001",
    "\u2028",
    "😀",
    "\uFEFF{}",
    " {} ",
    "{}\n",
    "not json",
    "",
    "x".repeat(70_000)
  ),
  fc.json(),
  fc.string({ unit: "grapheme", maxLength: 40 })
)

const bulky = fc.constantFrom("{}", "{}", `"${"x".repeat(1500)}"`)

const defined = <A extends object>(record: A): A => {
  const kept = Object.entries(record).filter(([, value]) => value !== undefined)
  // only optional properties can be undefined here, so that leaving them out keeps the type
  return Object.fromEntries(kept) as A
}

const job = (profile: Profile): fc.Arbitrary<JobSpec> =>
  fc
    .record({
      queue: fc.constantFrom(0, 0, 0, 1),
      name: fc.nat(1),
      payload: profile.nastyPayloads === true ? nasty : profile.bulkyPayloads === true ? bulky : fc.constant("{}"),
      priority: sometimes(profile.options.priority, fc.constantFrom(-2, -1, 0, 1, 2)),
      delay: sometimes(profile.options.delay, times),
      maxAttempts: sometimes(profile.options.bounds, fc.constantFrom(1, 2, 3)),
      maxDeliveries: sometimes(profile.options.bounds, fc.constantFrom(1, 2, 3, 4)),
      deadline: sometimes(profile.options.deadline, fc.constantFrom(1, 500, 1000, 5000, 60_000)),
      group: sometimes(profile.options.group, fc.nat(1)),
      key: sometimes(
        profile.options.key,
        fc.record({ value: fc.nat(1), window: fc.constantFrom(0, 1000, 60_000), replace: fc.boolean() })
      ),
      metadata: sometimes(
        profile.options.metadata,
        fc.dictionary(fc.constantFrom("tenant", "é", "a b"), fc.constantFrom("", "1", "ü\n"), { maxKeys: 2 })
      ),
      at: sometimes(profile.options.at, instants),
      carried: sometimes(
        profile.options.carried,
        fc
          .record({
            version: fc.constantFrom(1, 2, 2_147_483_647),
            timeout: fc.constantFrom(undefined, 1, 86_400_000),
            leaseDuration: fc.constantFrom(undefined, 1000, 60_000),
            traced: fc.boolean()
          })
          .map((record) => defined(record) as NonNullable<JobSpec["carried"]>)
      )
    })
    .map((record) => defined(record) as JobSpec)

const slot = fc.nat(2)
/** Mostly the holder of the latest grant, which is where things happen. */
const holder = fc.constantFrom(0, 1, 2, 3, 3, 3)
const queue = fc.constantFrom(0, 0, 0, 1)
const recent = fc.oneof({ arbitrary: fc.nat(3), weight: 3 }, { arbitrary: fc.nat(12), weight: 1 })

const settlement = (profile: Profile): fc.Arbitrary<SettleSpec> =>
  fc.record({
    grant: recent,
    kind: fc.constantFrom("Complete", "Complete", "Retry", "Retry", "Release", "DeadLetter"),
    delay: times,
    result: profile.nastyPayloads === true ? nasty : fc.constant("ok"),
    plain: fc.boolean(),
    followUps: fc.oneof(
      { arbitrary: fc.constant([]), weight: 100 - (profile.followUps ?? 0) },
      { arbitrary: fc.array(job(profile), { minLength: 1, maxLength: 2 }), weight: profile.followUps ?? 0 }
    ),
    badFollowUp: fc.constantFrom(false, false, true)
  })

const steps = (profile: Profile): { readonly [Tag in Step["_tag"]]: fc.Arbitrary<Extract<Step, { _tag: Tag }>> } => {
  const jobs = (maxLength: number) => fc.array(job(profile), { minLength: 1, maxLength })
  const keyless = job({ ...profile, options: { ...profile.options, key: 0 } })
  const indexes = fc.array(recent, { maxLength: 2 })
  const inFlight = {
    enqueue: fc.array(keyless, { minLength: 1, maxLength: 3 }),
    settle: fc.constantFrom("Complete", "Complete", "Retry", "Release", "DeadLetter", undefined),
    claim: fc.boolean(),
    control: fc.constantFrom("Cancel", "Redrive", "Reschedule", "Purge", undefined, undefined),
    job: fc.nat(12)
  } as const
  return {
    Enqueue: fc.record({ _tag: fc.constant("Enqueue"), items: jobs(4) }),
    EnqueueAgain: fc.record({ _tag: fc.constant("EnqueueAgain"), job: fc.nat(12), otherBytes: fc.boolean() }),
    Claim: fc
      .record({
        _tag: fc.constant("Claim" as const),
        slot,
        queue,
        limit: fc.constantFrom(1, 1, 2, 3, 10),
        name: sometimes(15, fc.nat(2)),
        dead: fc.constantFrom(false, false, false, false, false, true)
      })
      .map((record) => defined(record) as Extract<Step, { _tag: "Claim" }>),
    ClaimTogether: fc.record({
      _tag: fc.constant("ClaimTogether"),
      slots: fc.constantFrom(2, 3),
      queue,
      limit: fc.constantFrom(1, 2)
    }),
    Settle: fc.record({
      _tag: fc.constant("Settle"),
      items: fc.array(settlement(profile), { minLength: 1, maxLength: 3 }),
      otherSession: fc.constantFrom(false, false, false, false, true)
    }),
    SettleAndReclaimTogether: fc.record({
      _tag: fc.constant("SettleAndReclaimTogether"),
      grant: fc.nat(3),
      short: fc.boolean(),
      renew: fc.boolean(),
      reclaimFirst: fc.boolean()
    }),
    CompleteAndCancelTogether: fc.record({
      _tag: fc.constant("CompleteAndCancelTogether"),
      grant: fc.nat(3),
      cancelFirst: fc.boolean()
    }),
    RepeatCall: fc.record({ _tag: fc.constant("RepeatCall"), call: fc.nat(5) }),
    Renew: fc.record({
      _tag: fc.constant("Renew"),
      slot: holder,
      dead: fc.constantFrom(false, false, false, true),
      started: indexes,
      progress: indexes
    }),
    Close: fc.record({ _tag: fc.constant("Close"), slot }),
    Advance: fc.record({ _tag: fc.constant("Advance"), millis: times.filter((millis) => millis > 0) }),
    AdvanceToExpiry: fc.record({
      _tag: fc.constant("AdvanceToExpiry"),
      slot: holder,
      short: fc.boolean()
    }),
    Reclaim: fc.record({ _tag: fc.constant("Reclaim"), limit: fc.constantFrom(1, 2, 100, 100, 100) }),
    Cancel: fc.record({ _tag: fc.constant("Cancel"), job: fc.nat(12) }),
    Pause: fc.record({ _tag: fc.constant("Pause"), queue }),
    Resume: fc.record({ _tag: fc.constant("Resume"), queue }),
    Redrive: fc.record({ _tag: fc.constant("Redrive"), job: fc.nat(12) }),
    Reschedule: fc.oneof(
      fc.record({ _tag: fc.constant("Reschedule" as const), job: fc.nat(12), delay: times }),
      fc.record({ _tag: fc.constant("Reschedule" as const), job: fc.nat(12), at: instants }),
      fc.record({ _tag: fc.constant("Reschedule" as const), job: fc.nat(12), priority: fc.constantFrom(-2, 0, 2) })
    ),
    Purge: fc.record({ _tag: fc.constant("Purge"), job: fc.nat(12) }),
    Configure: fc.record({
      _tag: fc.constant("Configure"),
      queue,
      groupConcurrency: fc.constantFrom(1, 2),
      stepAside: fc.boolean()
    }),
    Read: fc
      .record({
        _tag: fc.constant("Read" as const),
        queue: sometimes(50, fc.nat(1)),
        name: sometimes(30, fc.nat(1)),
        state: sometimes(60, fc.constantFrom(...jobStates)),
        limit: fc.constantFrom(1, 2, 3, 1000),
        job: fc.nat(12)
      })
      .map((record) => defined(record) as Extract<Step, { _tag: "Read" }>),
    Crash: fc.record({ _tag: fc.constant("Crash"), seed: fc.nat(0xffff) }),
    CrashDuring: fc.record({
      _tag: fc.constant("CrashDuring"),
      seed: fc.nat(0xffff),
      turns: fc.nat(8),
      ...inFlight
    }),
    Restart: fc.constant({ _tag: "Restart" }),
    FailDuring: fc.record({
      _tag: fc.constant("FailDuring"),
      seed: fc.nat(0xffff),
      forever: fc.constantFrom(false, false, true),
      crash: fc.boolean(),
      ...inFlight
    }),
    Compact: fc.record({
      _tag: fc.constant("Compact"),
      crash: fc.constantFrom(false, false, true),
      turns: fc.nat(60),
      seed: fc.nat(0xffff)
    }),
    StepClock: fc.record({
      _tag: fc.constant("StepClock"),
      millis: fc.constantFrom(-3_600_000, -60_000, -5000, -1000, -1, 1, 999, 1000, 4999, 30_000)
    })
  }
}

/** What happens in every history, so that jobs move at all. */
const base: Partial<Record<Step["_tag"], number>> = { Enqueue: 6, Claim: 7, Settle: 6, Advance: 1 }

/** The hand that a step needs. */
const hands: Partial<Record<Step["_tag"], Hand>> = {
  Crash: "crash",
  CrashDuring: "crash",
  Restart: "restart",
  FailDuring: "failSync",
  Compact: "compact",
  StepClock: "stepClock"
}

/**
 * Histories of a profile, without the steps that there are no hands for.
 *
 * @since 0.1.0
 * @category generators
 * @stability unstable
 */
export const history = (profile: Profile, test: Pick<TestLog, Hand>): fc.Arbitrary<ReadonlyArray<Step>> => {
  const of = steps(profile)
  const weights = { ...base, ...profile.weights }
  const possible = (tag: Step["_tag"]): boolean => {
    const hand = hands[tag]
    return (weights[tag] ?? 0) > 0 && (hand === undefined || test[hand] !== undefined)
  }
  // the keys of a record of weights by tag are tags
  const tags = (Object.keys(weights) as Array<Step["_tag"]>).filter(possible)
  const step = fc.oneof(...tags.map((tag) => ({ arbitrary: of[tag] as fc.Arbitrary<Step>, weight: weights[tag] ?? 1 })))
  return fc.array(step, { minLength: 2, maxLength: profile.length ?? 40, size: "max" })
}
