/** Claims a job from a file log, is stopped for longer than its lease, and tells what the log answers then. */
import * as Effect from "effect/Effect"
import * as FileLog from "../../src/backends/file/FileLog.ts"
import type { LogError } from "../../src/log/LogError.ts"
import { tell } from "./Workload.ts"

const say = (text: string): void => tell({ _tag: "Said", text })
const reasonOf = <A>(effect: Effect.Effect<A, LogError>) =>
  Effect.match(effect, { onFailure: (error) => error.reason._tag, onSuccess: () => "accepted" })

const program = Effect.gen(function* () {
  const { directory } = JSON.parse(process.argv[2] ?? "{}") as { readonly directory: string }
  const log = yield* FileLog.make({ directory })
  const item = { id: "00000000-0000-7000-8000-000000000001", queue: "q", name: "job", version: 1, payload: "" }
  yield* log.enqueue([item])
  const { id: session } = yield* log.open({ owner: "stopped", leaseDuration: 500 })
  const { grants } = yield* log.claim({ session, call: 1, queue: "q", limit: 1 })
  const grant = grants[0]
  if (grant === undefined) return yield* Effect.die(new Error("nothing to claim"))
  say("claimed")
  // stands still here, together with the process
  yield* Effect.sleep(700)
  say(`renew: ${yield* reasonOf(log.renew({ session, call: 2, started: [grant.token], progress: [] }))}`)
  const other = yield* log.open({ owner: "other", leaseDuration: 60_000 })
  const taken = yield* log.claim({ session: other.id, call: 1, queue: "q", limit: 1 })
  const current = taken.grants[0]
  if (current === undefined) return yield* Effect.die(new Error("it was not reclaimed"))
  say(`taken by another: token ${current.token}`)
  const settlement = { _tag: "Complete" } as const
  const stale = { id: grant.id, token: grant.token, receipt: grant.receipt, settlement }
  say(`settle: ${yield* reasonOf(log.settle({ session, call: 3, items: [stale] }))}`)
  const own = { id: current.id, token: current.token, receipt: current.receipt, settlement }
  const [result] = yield* log.settle({ session: other.id, call: 2, items: [own] })
  say(`other: ${result?._tag} ${result?._tag === "Settled" ? result.state : ""}`)
})

await Effect.runPromise(Effect.scoped(program))
