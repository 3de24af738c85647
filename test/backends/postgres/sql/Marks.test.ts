/** The marks of a queue's lanes follow what was claimed, also while jobs with a state stand in line. */
import * as Effect from "effect/Effect"
import { expect, it } from "vitest"
import { id } from "../../../cli/harness.ts"
import { makeSql } from "./sql.ts"

const { owner, withLog } = makeSql()

const request = (number: number) => ({ id: id(number), queue: "q", name: "send", version: 1, payload: "{}" })

it("a claim among jobs of groups does not leave the marks behind", () =>
  withLog((log) =>
    Effect.gen(function* () {
      yield* log.enqueue([request(1), request(2), request(3)])
      const { id: session } = yield* log.open({ owner: "test", leaseDuration: 60_000 })
      expect((yield* log.claim({ session, call: 1, queue: "q", limit: 3 })).grants).toHaveLength(3)
      yield* log.enqueue([
        { ...request(4), group: "a" },
        { ...request(5), group: "b" }
      ])
      // as if that had been long ago
      yield* Effect.promise(() => owner("UPDATE leasehold.lane SET swept_at = 0"))
      expect((yield* log.claim({ session, call: 2, queue: "q", limit: 1 })).grants).toHaveLength(1)
      const [lane] = yield* Effect.promise(() =>
        owner(
          "SELECT l.settled >= (SELECT max(j.seq) FROM leasehold.job j WHERE j.plain) AS beyond FROM leasehold.lane l"
        )
      )
      expect(lane).toEqual({ beyond: true })
    })
  ))
