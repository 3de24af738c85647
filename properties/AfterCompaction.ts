/**
 * What comes after every history of the law of compaction: a log is used, rewritten, used, rewritten and opened again,
 * so that what was written before meets what is carried forward, and then goes on as if nothing had happened.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { afterwards } from "./Afterwards.ts"
import type { LaterStep } from "./Afterwards.ts"
import type { LawName } from "./LawName.ts"
import type { ModelJob } from "./Model.ts"
import type { JobSpec, SettleSpec, Step } from "./Step.ts"
import { outcome, report } from "./World.ts"
import type { World } from "./World.ts"

const job = (spec: Partial<JobSpec> = {}): JobSpec => ({ queue: 0, name: 0, payload: "{}", ...spec })

const settle = (grant: number, kind: SettleSpec["kind"]): Step => ({
  _tag: "Settle",
  items: [{ grant, kind, delay: 30_000, result: "kept", followUps: [], badFollowUp: false }],
  otherSession: false
})

const claim = (limit: number): Step => ({ _tag: "Claim", slot: 2, queue: 0, limit, dead: false })

const compact: Step = { _tag: "Compact", crash: false, turns: 0, seed: 0 }

const key = (value: number) => ({ value, window: 600_000, replace: false })

/** Jobs of every kind, some of them held, on a log that is rewritten under their holder. */
const used = (round: number): ReadonlyArray<LaterStep> => [
  { _tag: "Resume", queue: 0 },
  { _tag: "Pause", queue: 1 },
  { _tag: "Configure", queue: 0, groupConcurrency: 2, stepAside: true },
  {
    _tag: "Enqueue",
    items: [
      job({ priority: -2, key: key(10 + round) }),
      job({ priority: -2 }),
      job({ priority: -2, maxAttempts: 3 }),
      job({ delay: 30_000 }),
      job({ group: 0 })
    ]
  },
  claim(3),
  { _tag: "Renew", slot: 2, dead: false, started: [0], progress: [0] },
  ({ model }) => {
    const index = [...model.jobs.values()].findLastIndex(({ status }) => status === "Waiting")
    return index === -1 ? undefined : { _tag: "Reschedule", job: index, priority: 2 }
  },
  compact
]

/** The record of a completed job goes, whose key stays. */
const purgeHolder: LaterStep = ({ model }) => {
  const holds = ({ item, status }: ModelJob): boolean => status === "Completed" && item.key !== undefined
  const index = [...model.jobs.values()].findLastIndex(holds)
  return index === -1 ? undefined : { _tag: "Purge", job: index }
}

const before = afterwards([
  ...used(0),
  { _tag: "Crash", seed: 1 },
  ...used(1),
  settle(2, "Complete"),
  settle(1, "Retry"),
  settle(0, "DeadLetter"),
  purgeHolder,
  ...used(2),
  settle(2, "Complete"),
  settle(1, "Retry"),
  ...Array.from({ length: 5 }, () => compact)
])

const after = afterwards([
  { _tag: "Enqueue", items: [10, 11, 12].map((value) => job({ key: key(value) })) },
  { _tag: "Enqueue", items: [job({ group: 1 }), job({ group: 1 }), job({ group: 1 })] },
  claim(10),
  settle(0, "Retry"),
  claim(10),
  { _tag: "Claim", slot: 2, queue: 1, limit: 10, dead: false },
  { _tag: "Restart" }
])

/** Waiting jobs are replaced again and again. */
const replacing = (times: number): ReadonlyArray<Step> =>
  Array.from({ length: times }, (_, i) => ({
    _tag: "Enqueue",
    items: [
      job({
        delay: 30_000,
        payload: `"${String(i).repeat(1500)}"`,
        key: { value: 20 + (i % 3), window: 1000, replace: true }
      })
    ]
  }))

/** Jobs move while the storage is rewritten, and the log crashes before that is done, or soon after. */
const amid = (world: World): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (world.test.compact === undefined) return
    yield* afterwards(replacing(6))(world)
    const rewriting = yield* Effect.forkDetach(Effect.exit(world.test.compact))
    yield* afterwards([...replacing(1 + (world.ids % 11)), { _tag: "Crash", seed: world.ids }])(world)
    rewriting.interruptUnsafe()
    yield* afterwards([...replacing(2), { _tag: "Restart" }])(world)
  })

const law: LawName = "compactionKeepsAll"

/** What runs have told of themselves, by job. */
const progressOf = (world: World): Effect.Effect<ReadonlyMap<string, string>> =>
  Effect.gen(function* () {
    const found = new Map<string, string>()
    if (!world.capabilities.inspect) return found
    for (const id of world.model.jobs.keys()) {
      const answer = yield* outcome(world.log.read({ _tag: "Job", id }), world.patience)
      const progress = answer._tag === "Ok" && answer.value._tag === "Job" ? answer.value.job?.progress : undefined
      if (progress !== undefined) found.set(id, progress)
    }
    return found
  })

/**
 * Carries it out after every other history, as it takes its time. Whatever breaks then, breaks the law of compaction
 * too.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const goOnAfterCompaction = (world: World): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (world.ids % 2 === 1) return
    yield* before(world)
    const told = yield* progressOf(world)
    yield* afterwards([{ _tag: "Crash", seed: 3 }])(world)
    const kept = yield* progressOf(world)
    for (const [id, progress] of told) {
      if (kept.get(id) !== progress)
        report(world, [law], `job ${id} showed the progress "${progress}" before the crash`)
    }
    yield* after(world)
    yield* amid(world)
    const found = world.violations.splice(0)
    world.violations.push(...found.map((each) => ({ ...each, laws: [...each.laws, law] })))
  })
