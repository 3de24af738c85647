/** Logs that are wrong when an answer gets lost or comes late. */
import * as Effect from "effect/Effect"
import type { ClaimRequest, ClaimResult, JobLogOperations } from "../../../src/log/JobLog.ts"
import { refused, Unavailable } from "../../../src/log/LogError.ts"
import type { Mutant } from "../Mutant.ts"
import { ownCalls, pause, every } from "./Following.ts"

/** Gives each sending of a call a number of its own. */
const unnumbered =
  (kind: "claim" | "settle") =>
  (log: JobLogOperations): JobLogOperations => {
    const call = ownCalls()
    return kind === "claim"
      ? { ...log, claim: (request) => log.claim({ ...request, call: call() }) }
      : { ...log, settle: (request) => log.settle({ ...request, call: call() }) }
  }

/** Keeps the answers of claims by their number alone. */
const mixesAnswers = (log: JobLogOperations): JobLogOperations => {
  const answers = new Map<number, ClaimResult>()
  const seen = new Set<string>()
  return {
    ...log,
    claim: (request: ClaimRequest) => {
      const key = `${request.session} ${request.call}`
      const kept = answers.get(request.call)
      if (seen.has(key) && kept !== undefined) return Effect.succeed(kept)
      return Effect.tap(log.claim(request), (result) =>
        Effect.sync(() => {
          seen.add(key)
          answers.set(request.call, result)
        })
      )
    }
  }
}

const unavailable = (operation: string) => refused(operation, new Unavailable({ detail: "connection lost" }))

/** Loses the answer, and says that nothing has happened. */
const refusedButDone =
  (kind: "enqueue" | "settle") =>
  (log: JobLogOperations): JobLogOperations => {
    const third = every(3)
    const lose = <A, E, R>(call: Effect.Effect<A, E, R>) =>
      Effect.flatMap(call, (answer) => (third() ? Effect.fail(unavailable(kind)) : Effect.succeed(answer)))
    return kind === "enqueue"
      ? { ...log, enqueue: (items) => lose(log.enqueue(items)) }
      : { ...log, settle: (request) => lose(log.settle(request)) }
  }

/** Stores a batch job by job, so that a caller who gives up leaves half of it. */
const enqueuesOneByOne = (log: JobLogOperations): JobLogOperations => ({
  ...log,
  enqueue: (items) =>
    Effect.map(
      Effect.forEach(items, (item) => Effect.andThen(pause, log.enqueue([item]))),
      (results) => results.flat()
    )
})

/** Shows a job as it was when it was read last. */
const readsLate = (log: JobLogOperations): JobLogOperations => {
  const shown = new Map<string, Effect.Success<ReturnType<JobLogOperations["read"]>>>()
  return {
    ...log,
    read: (query) =>
      Effect.gen(function* () {
        const answer = yield* log.read(query)
        if (query._tag !== "Job") return answer
        const former = shown.get(query.id)
        shown.set(query.id, answer)
        return former ?? answer
      })
  }
}

export const answerMutants: ReadonlyArray<Mutant> = [
  { name: "a repeated claim is a new one", law: "unknownOutcomesHonest", within: 50, wrap: unnumbered("claim") },
  { name: "a repeated settle is a new one", law: "unknownOutcomesHonest", within: 100, wrap: unnumbered("settle") },
  { name: "answers are kept by number alone", law: "unknownOutcomesHonest", within: 100, wrap: mixesAnswers },
  { name: "enqueue is refused, but done", law: "unknownOutcomesHonest", within: 50, wrap: refusedButDone("enqueue") },
  { name: "settle is refused, but done", law: "unknownOutcomesHonest", within: 50, wrap: refusedButDone("settle") },
  { name: "a batch is stored job by job", law: "nothingLostInADrain", within: 200, wrap: enqueuesOneByOne },
  { name: "reads show the job as it was before", law: "concurrentHistoriesExplained", within: 150, wrap: readsLate }
]
