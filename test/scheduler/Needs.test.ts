import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as MemoryLog from "../../src/backends/memory/MemoryLog.ts"
import type { Capabilities } from "../../src/log/Capabilities.ts"
import { JobLog } from "../../src/log/JobLog.ts"
import * as Job from "../../src/scheduler/Job.ts"
import { JobScheduler } from "../../src/scheduler/JobScheduler.ts"

const payload = { id: Schema.String }
class Grouped extends Job.make("grouped", { payload, group: ({ id }) => id }) {}
class Keyed extends Job.make("keyed", { payload, idempotencyKey: ({ id }) => id }) {}
class Urgent extends Job.make("urgent", { payload, priority: "fast" }) {}
class Long extends Job.make("long", { payload, leaseDuration: "1 hour" }) {}

/** Builds a scheduler on a memory log that has less. */
const build = <A>(handlers: Layer.Layer<A>, less: Partial<Capabilities>) =>
  Effect.gen(function* () {
    const log = yield* MemoryLog.make()
    const lesser = JobLog.of({ ...log, capabilities: { ...log.capabilities, ...less } })
    const scheduler = JobScheduler.layer.pipe(Layer.provide(handlers), Layer.provide(Layer.succeed(JobLog, lesser)))
    return yield* Effect.exit(Effect.scoped(Layer.build(scheduler)))
  })

const nothing = () => Effect.void

it.effect("a scheduler does not start on a log that lacks what its jobs need, and says what", () =>
  Effect.gen(function* () {
    const check = Effect.fnUntraced(function* <A>(
      handlers: Layer.Layer<A>,
      less: Partial<Capabilities>,
      capability: string
    ) {
      expect(String(yield* build(handlers, less))).toContain(`does not support ${capability}`)
      expect((yield* build(handlers, {}))._tag).toBe("Success")
    })
    yield* check(Grouped.toLayer(nothing), { groups: false }, "groups")
    yield* check(Keyed.toLayer(nothing), { dedupe: false }, "dedupe")
    yield* check(Urgent.toLayer(nothing), { priorities: 1 }, "priorities")
    yield* check(Long.toLayer(nothing), { maxLease: 60_000 }, "maxLease")
  })
)
