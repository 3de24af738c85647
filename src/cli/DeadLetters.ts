/**
 * Which dead letters a command means.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { JobView } from "../log/JobLog.ts"
import type { LogError } from "../log/LogError.ts"
import { Limits } from "../model/Limits.ts"
import type { DeadLetterReport, DeadLetterSelection, JobPage, JobQueueOperations } from "../scheduler/JobQueue.ts"
import { WrongUsage } from "./Failure.ts"

/**
 * What the command line said.
 *
 * @since 0.1.0
 * @category models
 * @stability unstable
 */
export interface Given {
  readonly ids: ReadonlyArray<string>
  readonly queue: Option.Option<string>
  readonly name: Option.Option<string>
  readonly cause: Option.Option<string>
  readonly limit: Option.Option<number>
  readonly all: boolean
}

/**
 * Names or filters, not both and not neither: a slip must not mean everything.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const toSelection = (given: Given): Effect.Effect<DeadLetterSelection, WrongUsage> => {
  const { all, cause, ids, limit, name, queue } = given
  const filtered = [queue, name, cause, limit].some((each) => Option.isSome<unknown>(each))
  if (ids.length > 0) {
    return filtered || all
      ? Effect.fail(new WrongUsage({ detail: "name dead letters by id, or choose them with flags, not both" }))
      : Effect.succeed({ ids })
  }
  if (!filtered && !all) {
    const detail = "which dead letters? Name their ids, choose with --queue, --name, --cause or --limit, or say --all"
    return Effect.fail(new WrongUsage({ detail }))
  }
  return Effect.succeed({
    queue: Option.getOrUndefined(queue),
    name: Option.getOrUndefined(name),
    cause: Option.getOrUndefined(cause),
    limit: Option.getOrUndefined(limit)
  })
}

/**
 * The dead letters of a selection as they are now, and the ids in it that are none.
 *
 * @since 0.1.0
 * @category getters
 * @stability unstable
 */
export const select = Effect.fnUntraced(function* (
  queue: JobQueueOperations,
  selection: DeadLetterSelection
): Effect.fn.Return<
  { readonly jobs: ReadonlyArray<JobView>; readonly refused: DeadLetterReport["refused"] },
  LogError
> {
  const jobs: Array<JobView> = []
  const refused: Array<{ id: string; reason: string }> = []
  if ("ids" in selection) {
    for (const id of selection.ids) {
      const job = yield* queue.show(id).pipe(Effect.catchTag("JobNotFound", () => Effect.succeed(undefined)))
      if (job === undefined) refused.push({ id, reason: "unknownJob" })
      else if (job.state !== "DeadLettered") refused.push({ id, reason: "notDeadLettered" })
      else jobs.push(job)
    }
    return { jobs, refused }
  }
  const limit = selection.limit ?? Infinity
  let after: string | undefined
  do {
    const { name, queue: of } = selection
    const page: JobPage = yield* queue.deadLetters.list({ queue: of, name, after, limit: Limits.pageItems })
    for (const job of page.jobs) {
      const { cause } = selection
      const matches = cause === undefined || job.cause?.kind === cause || job.cause?.tag === cause
      if (matches && jobs.length < limit) jobs.push(job)
    }
    after = page.next
  } while (after !== undefined && jobs.length < limit)
  return { jobs, refused }
})
