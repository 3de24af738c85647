/**
 * What must be refused, and leave everything as it was.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { LogError } from "../src/log/LogError.ts"
import { broken, note } from "./Direct.ts"
import type { Bench } from "./Direct.ts"
import type { LawName } from "./LawName.ts"
import { json, look, ofExit } from "./World.ts"

/**
 * A call that must be refused for one of these reasons, leaving everything as it was.
 *
 * @since 0.1.0
 * @category running
 * @stability unstable
 */
export const mustRefuse = (
  bench: Bench,
  law: LawName,
  name: string,
  reasons: ReadonlyArray<string>,
  request: Effect.Effect<unknown, LogError>
): Effect.Effect<void, LogError> =>
  Effect.gen(function* () {
    const before = yield* look(bench.log)
    const answer = ofExit(yield* Effect.exit(request))
    note(bench, `${name} → ${answer._tag === "Failed" ? answer.error.message : answer._tag}`)
    if (answer._tag === "Ok") broken(bench, law, `${name} was accepted`)
    else if (answer._tag === "Died") broken(bench, law, `${name} died: ${answer.message}`)
    else if (!reasons.includes(answer.error.reason._tag) || answer.error.outcome !== "refused") {
      broken(bench, law, `${name} failed as ${answer.error.outcome} ${answer.error.reason._tag}`)
    }
    const after = yield* look(bench.log)
    const shown = (seen: typeof before): string => json([seen.snapshot?.jobs, seen.snapshot?.counts])
    if (shown(before) !== shown(after)) broken(bench, law, `${name} was refused, but it changed something`)
  })
