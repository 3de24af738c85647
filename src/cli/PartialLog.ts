/**
 * A log that is open for a part of its operations only.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { JobLogOperations } from "../log/JobLog.ts"
import { refused, Unsupported } from "../log/LogError.ts"

/**
 * A part of a log's operations as a log: what it has not is refused.
 *
 * @since 0.1.0
 * @category constructors
 * @stability unstable
 */
export const partial = (
  part: Pick<JobLogOperations, "read" | "capabilities"> & Partial<Pick<JobLogOperations, "control">>
): JobLogOperations => {
  const no = (operation: string) => () =>
    Effect.fail(
      refused(operation, new Unsupported({ capability: operation, detail: "it is open for inspection only" }))
    )
  return {
    open: no("open"),
    renew: no("renew"),
    close: no("close"),
    enqueue: no("enqueue"),
    claim: no("claim"),
    settle: no("settle"),
    reclaim: no("reclaim"),
    control: no("control"),
    changes: no("changes"),
    ...part
  }
}
