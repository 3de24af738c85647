/**
 * How a step of a program becomes calls.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Calls from "./Calls.ts"
import type { Client, Held, Room, Way } from "./Client.ts"
import { turns } from "./Network.ts"
import type { Action, ClientStep } from "./Program.ts"

/** Grants by number, counted back from the latest, each job once. */
const pick = (grants: ReadonlyArray<Held>, indexes: ReadonlyArray<number>): ReadonlyArray<Held> => {
  const picked = new Map<string, Held>()
  for (const index of indexes) {
    const held = grants[grants.length - 1 - (index % grants.length)]
    if (held !== undefined) picked.set(held.job, held)
  }
  return [...picked.values()]
}

/** Does something with one of these jobs, counted back from the latest. */
const onJob = (
  jobs: ReadonlyArray<string>,
  index: number,
  act: (id: string) => Effect.Effect<void>
): Effect.Effect<void> => {
  const id = jobs[jobs.length - 1 - (index % Math.max(1, jobs.length))]
  return id === undefined ? Effect.void : act(id)
}

/**
 * Moves the log's time, and looks at it before and after.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const advance = (room: Room, client: Client, millis: number): Effect.Effect<void> =>
  room.timeKeeper(
    Effect.gen(function* () {
      yield* Calls.lookAtTime(room, client)
      const { end } = room.network.begin(client.name, "advance", { millis })
      yield* room.test.advance(millis)
      end({ tag: "Ok", value: null })
      yield* Calls.lookAtTime(room, client)
    })
  )

const crash = (room: Room, client: Client, seed: number): Effect.Effect<void> =>
  room.timeKeeper(
    Effect.gen(function* () {
      if (room.test.crash === undefined) return
      const { end } = room.network.begin(client.name, "crash", { seed })
      const reopened = yield* Effect.exit(room.test.crash({ seed }))
      if (reopened._tag === "Failure") {
        room.failures.push(`the log could not be opened after a crash: ${String(reopened.cause)}`)
        return
      }
      end({ tag: "Ok", value: null })
      yield* room.network.reopened(reopened.value)
    })
  )

/**
 * Carries out a step of a client.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const perform = (room: Room, client: Client, step: ClientStep): Effect.Effect<void> =>
  Effect.andThen(turns(step.wait), act(room, client, step.action, step))

const act = (room: Room, client: Client, action: Action, way: Way): Effect.Effect<void> =>
  Effect.suspend(() => {
    switch (action._tag) {
      case "Enqueue":
        return Calls.enqueue(room, client, action.jobs, way)
      case "Claim":
        return Effect.asVoid(Calls.claim(room, client, action.limit, way, action.park))
      case "Settle": {
        const grants = action.whose === "held" ? client.held : action.whose === "own" ? client.grants : room.grants
        return Calls.settle(room, client, pick(grants, action.grants), action.kind, action.delay, way)
      }
      case "Renew":
        return Calls.renew(room, client, action.started, way)
      case "Close":
        return Calls.close(room, client, way)
      case "Cancel": {
        // mostly one that somebody holds, where there is something to decide
        const granted = room.grants.map(({ job }) => job)
        const jobs = granted.length > 0 && action.job < 2 ? granted : room.sent
        return onJob(jobs, action.job, (id) => Calls.control(room, client, "cancel", id, way))
      }
      case "Redrive":
        return onJob(room.dead.length > 0 ? room.dead : room.sent, action.job, (id) =>
          Calls.control(room, client, "redrive", id, way)
        )
      case "Read":
        return onJob(room.sent, action.job, (id) => Calls.read(room, client, id, way))
      case "Reclaim":
        return Effect.asVoid(Calls.reclaim(room, client, action.limit, way))
      case "Advance":
        return advance(room, client, action.millis)
      case "Crash":
        return crash(room, client, action.seed)
    }
  })
