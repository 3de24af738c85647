/** Opens the directory that a process under faults left, with the real log, and holds it to what was acknowledged. */
import { existsSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as FileLog from "../../src/backends/file/FileLog.ts"
import { nodeDisk } from "../../src/backends/file/journal/NodeDisk.ts"
import { verifyDirectory } from "../../src/backends/file/VerifyLog.ts"
import type { Grant, JobLogOperations, JobView } from "../../src/log/JobLog.ts"
import { describe, payloadOf, queue } from "./Job.ts"
import { segmentBytes } from "./Scenarios.ts"
import type { Story } from "./Story.ts"

const readAll = Effect.fnUntraced(function* (log: JobLogOperations) {
  const views: Array<JobView> = []
  let after: string | undefined
  do {
    const page = yield* log.read({ _tag: "Jobs", limit: 1_000, after })
    if (page._tag !== "Jobs") return yield* Effect.die(new Error(`asked for jobs, got ${page._tag}`))
    views.push(...page.jobs)
    after = page.next
  } while (after !== undefined)
  return views
})

const statesOf = Effect.fnUntraced(function* (log: JobLogOperations, story: Story) {
  const states: Record<string, string> = {}
  const views = yield* readAll(log)
  for (const view of views) states[view.id] = describe(view)
  // a queue's pause is told only where it was touched
  if (story.worlds.some((world) => world.has(`queue ${queue}`))) {
    const counts = yield* log.read({ _tag: "Counts", queue })
    const paused = counts._tag === "Counts" && counts.queues.some((of) => of.paused)
    if (paused || !story.worlds.some((world) => !world.has(`queue ${queue}`))) {
      states[`queue ${queue}`] = paused ? "paused" : "running"
    }
  }
  return { states, views }
})

/** Grants of the former process must be worth nothing, whoever shows them. */
const showStaleGrants = Effect.fnUntraced(function* (log: JobLogOperations, story: Story, session: string) {
  let call = 0
  for (const { id, receipt, session: former, token } of [...story.grants.values()].slice(0, 3)) {
    const items = [{ id, token: BigInt(token), receipt, settlement: { _tag: "Complete" as const } }]
    const dead = yield* Effect.flip(log.settle({ session: former, call: 1_000, items })).pipe(
      Effect.map(({ outcome, reason }) => `${outcome} ${reason._tag}`),
      Effect.catch(() => Effect.succeed("accepted"))
    )
    if (dead !== "refused SessionDead") story.violations.push(`a dead session's settlement of ${id} was ${dead}`)
    const [answer] = yield* log.settle({ session, call: ++call, items })
    if (answer?._tag !== "Refused") story.violations.push(`an old grant of ${id} was ${answer?._tag} for a new session`)
  }
  return call
})

/** Works off all that is ready, and answers the ids that were granted. */
const drain = Effect.fnUntraced(function* (log: JobLogOperations, story: Story, session: string, calls: number) {
  const granted = new Map<string, Grant>()
  let call = calls
  for (;;) {
    const { grants } = yield* log.claim({ session, call: ++call, queue, limit: 1_000 })
    if (grants.length === 0) return granted
    for (const grant of grants) {
      const former = story.grants.get(grant.id)
      if (granted.has(grant.id)) story.violations.push(`${grant.id} was granted again after its completion`)
      if (grant.token <= story.greatestToken) story.violations.push(`${grant.id} has a token that was used before`)
      if (former?.generation === grant.generation && grant.delivery <= former.delivery)
        story.violations.push(`${grant.id} repeats a delivery`)
      if (grant.payload !== payloadOf(grant.id) && grant.payload !== payloadOf(grant.id, 2)) {
        story.violations.push(`${grant.id} is granted with another payload`)
      }
      granted.set(grant.id, grant)
    }
    const items = grants.map(({ id, token, receipt }) => ({
      id,
      token,
      receipt,
      settlement: { _tag: "Complete" as const }
    }))
    const answers = yield* log.settle({ session, call: ++call, items })
    if (answers.some(({ _tag }) => _tag !== "Settled")) story.violations.push("a current grant could not be settled")
  }
})

const verified = Effect.fnUntraced(function* (directory: string, story: Story, when: string) {
  // killed before it had even made the directory
  if (!existsSync(directory)) return
  const { damage } = yield* verifyDirectory(nodeDisk, directory)
  if (damage !== undefined)
    story.violations.push(`verify ${when}: ${damage.cause} at ${damage.segment}+${damage.offset}`)
})

const open = (directory: string) => FileLog.make({ directory, segmentBytes, diskReserve: 0, controlSocket: false })

/** Adds to the story's violations; a log that cannot be opened or fails on a sound disk is one of them. */
export const judge = (directory: string, story: Story): Promise<void> =>
  Effect.gen(function* () {
    yield* verified(directory, story, "what was left")
    const ready = yield* Effect.scoped(
      Effect.gen(function* () {
        const log = yield* open(directory)
        const before = yield* statesOf(log, story)
        story.judge(before.states)
        const { id: session } = yield* log.open({ owner: "judge", leaseDuration: 60_000 })
        const calls = yield* showStaleGrants(log, story, session)
        const after = yield* statesOf(log, story)
        if (JSON.stringify(after.states) !== JSON.stringify(before.states))
          story.violations.push("a stale settlement had an effect")
        yield* log.control([{ _tag: "Resume", queue }])
        const waiting = new Set(after.views.filter(({ state }) => state === "Ready").map((view) => view.id))
        const granted = yield* drain(log, story, session, calls)
        for (const id of waiting) if (!granted.has(id)) story.violations.push(`${id} is ready and is never granted`)
        for (const id of granted.keys())
          if (!waiting.has(id)) story.violations.push(`${id} was granted and is not ready`)
        return waiting
      })
    )
    yield* verified(directory, story, "after the next owner closed it")
    const views = yield* Effect.scoped(Effect.flatMap(open(directory), readAll))
    const again = views.filter(({ id, state }) => ready.has(id) && state !== "Completed")
    if (again.length > 0) story.violations.push(`${again[0]?.id} was completed and is ${again[0]?.state}`)
  }).pipe(
    Effect.catch((error) => Effect.sync(() => story.violations.push(`on a sound disk: ${error.message}`))),
    Effect.asVoid,
    Effect.runPromise
  )
